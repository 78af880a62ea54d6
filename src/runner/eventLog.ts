import { deferred, type Deferred } from '../base/async';
import { toError } from '../base/errors';
import { Emitter } from '../base/event';
import type { EventBody, SessionEvent } from '../domain/events';
import { DiskFullError, DiskPatience, DiskReserve, isDiskFull } from './diskSpace';
import { isReliedOn } from './durability';
import { Segments } from './segments';

/** Text that arrives while an earlier write is under way is merged up to this many UTF-16 units. */
const MAX_MERGED_CHARS = 16 * 1024;

/** Text that may wait to be written before agents are slowed down, in UTF-16 units. */
const MAX_QUEUED_CHARS = 4 * 1024 * 1024;

/** How an {@link EventLog} is kept; all optional. */
export interface EventLogOptions {
  /** Last event that the host had applied durably when the runner was started; default 0. */
  readonly appliedSeq?: number;
  /** A file of this many bytes is sealed and the next one begun; default 16 MiB. */
  readonly segmentBytes?: number;
  /** Applied events stay as long as all files together have no more bytes; default 64 MiB. */
  readonly keepBytes?: number;
  /** How long output is held back while the disk is full, before the log fails; default 60,000. */
  readonly maxFullMs?: number;
}

/** An event that is not written yet. */
interface Entry {
  body: EventBody;
  readonly at: number;
  /** Who waits for it and can be refused. */
  readonly recorded: Deferred<void> | undefined;
}

/**
 * The events of a session in their files: numbered without gaps, one line each, only complete lines.
 * What comes within one tick, or while the disk is busy, is written together; nothing is told to anybody
 * before it is there. What survives what is said in `durability.ts`.
 *
 * While the disk is full, what agents put out is held back, and so are they ({@link whenRoom}); it is
 * tried again until there is room. What is to be recorded for somebody who can be told so is refused.
 */
export class EventLog {
  /** Fires after events were written, and once when the log has failed. */
  readonly onDidWrite;
  private readonly didWrite = new Emitter<void>();
  private queue: Entry[] = [];
  private queuedChars = 0;
  /** Entries that were ever appended, and those of them that are written or refused. */
  private appendedCount = 0;
  private settledCount = 0;
  /** Settles when the queue is empty; undefined while it is. Never rejects. */
  private writing: Promise<void> | undefined;
  private isFull = false;
  private isEnding = false;
  private waiters: { readonly count: number; readonly done: Deferred<void> }[] = [];
  private room: Deferred<void> | undefined;
  private failure: Error | undefined;
  private readonly patience: DiskPatience;
  private readonly reserve: DiskReserve;

  private constructor(
    private readonly folder: string,
    /** The files, for readers. */
    readonly segments: Segments,
    private lastWrittenSeq: number,
    /** Ids of the commands that were acted on, as far as the host may not know it and send them again. */
    readonly commandIds: ReadonlySet<string>,
    maxFullMs: number,
  ) {
    this.onDidWrite = this.didWrite.event;
    this.patience = new DiskPatience(maxFullMs);
    this.reserve = new DiskReserve(folder);
    this.reserve.make();
  }

  /**
   * Opens the log in a session's folder, or makes it (0600). It continues after the last complete line,
   * and never with a number that the host has applied.
   * @throws {UserError} when the files hold something else than events
   */
  static async open(folder: string, options: EventLogOptions = {}): Promise<EventLog> {
    const { appliedSeq = 0, segmentBytes = 16 * 1024 ** 2, keepBytes = 64 * 1024 ** 2 } = options;
    const limits = { segmentBytes, keepBytes };
    const { segments, lastSeq, commandIds } = await Segments.open(folder, appliedSeq, limits);
    return new EventLog(folder, segments, lastSeq, commandIds, options.maxFullMs ?? 60_000);
  }

  /** `seq` of the last event that is in the files; 0 when there is none. */
  get writtenSeq(): number {
    return this.lastWrittenSeq;
  }

  /** Why the log takes no more events; undefined while it does. */
  get failed(): Error | undefined {
    return this.failure;
  }

  /** Adds an event. It is written soon; after a failure it is dropped. */
  append(body: EventBody): void {
    if (this.failure || this.mergeText(body)) return;
    this.enqueue(body, undefined);
  }

  /**
   * Adds an event and settles when it is on disk: for what must be certain before somebody acts on it.
   * @throws {DiskFullError} when there is no room; then the event is not in the log and never will be
   * @throws {Error} when the log has failed
   */
  async record(body: EventBody): Promise<void> {
    if (this.failure) throw this.failure;
    if (this.isFull) throw new DiskFullError(this.folder);
    const recorded: Deferred<void> = deferred();
    this.enqueue(body, recorded);
    await recorded.promise;
    await this.syncWritten();
  }

  /**
   * Settles when everything that was appended so far is in the file.
   * @throws {Error} when it could not be written
   */
  async flush(): Promise<void> {
    if (this.failure) throw this.failure;
    if (this.settledCount === this.appendedCount) return;
    const done: Deferred<void> = deferred();
    this.waiters.push({ count: this.appendedCount, done });
    await done.promise;
  }

  /**
   * Settles when everything that was appended so far is on disk, and survives a power cut.
   * @throws {Error} when that could not be done
   */
  async sync(): Promise<void> {
    await this.flush();
    await this.syncWritten();
  }

  /** Settles when more events should be appended: whoever produces many waits for it. */
  async whenRoom(): Promise<void> {
    while ((this.queuedChars > MAX_QUEUED_CHARS || this.isFull) && !this.failure) {
      this.room ??= deferred();
      await this.room.promise;
    }
  }

  /** The host has applied the events up to `seq` durably: they need not be kept for it. */
  async acknowledge(seq: number): Promise<void> {
    await this.segments.acknowledge(seq);
  }

  /**
   * Adds the last event and settles when it is on disk. A full disk gets no more time; room was kept for
   * this event, and the output that was held back goes with it if it fits. Also for a log that has failed.
   * @returns false when something before it could not be written, or nobody knows whether it is on disk
   * @throws {Error} when not even this event could be written
   */
  async end(body: EventBody): Promise<boolean> {
    this.isEnding = true;
    this.append(body);
    this.patience.end();
    let isWritten = false;
    try {
      await this.flush();
      isWritten = true;
      await this.syncWritten();
      return true;
    } catch {
      if (isWritten) return false;
      await this.writing;
      await this.reserve.release();
      await this.write([{ body, at: Date.now(), recorded: undefined }]);
      await this.segments.sync();
      this.didWrite.fire();
      return false;
    }
  }

  /** Closes the files; call {@link end} or {@link flush} before. */
  async close(): Promise<void> {
    await this.reserve.release();
    await this.segments.close();
  }

  private mergeText(body: EventBody): boolean {
    const last = this.queue.at(-1);
    if (!last || (body.type !== 'text' && body.type !== 'thought')) return false;
    if (last.body.type !== body.type) return false;
    if (last.body.text.length + body.text.length > MAX_MERGED_CHARS) return false;
    last.body = { type: body.type, text: last.body.text + body.text };
    this.queuedChars += body.text.length;
    return true;
  }

  private enqueue(body: EventBody, recorded: Deferred<void> | undefined): void {
    this.queue.push({ body, at: Date.now(), recorded });
    this.appendedCount += 1;
    // An estimate will do: long are only texts, most of the rest is a tool call.
    this.queuedChars += 'text' in body ? body.text.length : 1_000;
    this.writing ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.writeQueue());
  }

  private takeQueue(): Entry[] {
    const entries = this.queue;
    this.queue = [];
    this.queuedChars = 0;
    return entries;
  }

  /** Never rejects: a failure is kept and passed on to everyone who waits. */
  private async writeQueue(): Promise<void> {
    while (this.queue.length > 0 && !this.failure) {
      await this.writeEntries(this.takeQueue());
      this.settleWaiters();
      if (!this.failed) this.didWrite.fire();
    }
    this.writing = undefined;
  }

  /** Writes entries, and waits for room as long as it takes or is allowed. Never rejects. */
  private async writeEntries(all: Entry[]): Promise<void> {
    for (let entries = all; ;) {
      try {
        await this.write(entries);
        this.handleWritten(entries);
        return;
      } catch (error) {
        // After the end has come, this was the last attempt.
        if (!isDiskFull(error) || this.reserve.isReleased) {
          this.fail(toError(error), entries);
          return;
        }
        this.isFull = true;
        const full = new DiskFullError(this.folder, { cause: error });
        entries = this.refuseRecords(entries, full);
        if (entries.length === 0) {
          this.endFull();
          return;
        }
        if (await this.patience.wait()) continue;
        if (!this.isEnding) {
          this.fail(full, entries);
          return;
        }
        // All that is left goes together or not at all: then there is room for the last event alone.
        await this.reserve.release();
        entries.push(...this.takeQueue());
      }
    }
  }

  private handleWritten(entries: readonly Entry[]): void {
    this.settledCount += entries.length;
    this.endFull();
    for (const { recorded } of entries) recorded?.resolve();
    // Whoever relies on one of these does not wait; a failure ends the session all the same.
    if (entries.some(({ body }) => isReliedOn(body)))
      void this.syncWritten().catch(() => undefined);
  }

  private endFull(): void {
    this.isFull = false;
    this.patience.reset();
  }

  /** @returns what is left to be written */
  private refuseRecords(entries: Entry[], error: DiskFullError): Entry[] {
    const refused = [...entries, ...this.queue].filter(({ recorded }) => recorded);
    for (const { recorded } of refused) recorded?.reject(error);
    this.settledCount += refused.length;
    this.queue = this.queue.filter(({ recorded }) => !recorded);
    return entries.filter(({ recorded }) => !recorded);
  }

  private async write(entries: readonly Entry[]): Promise<void> {
    const first = this.lastWrittenSeq + 1;
    const lines = entries.map(({ body, at }, index) => {
      const event: SessionEvent = { seq: first + index, at, ...body };
      return `${JSON.stringify(event)}\n`;
    });
    await this.segments.append(Buffer.from(lines.join(''), 'utf8'), first);
    this.lastWrittenSeq += entries.length;
  }

  private async syncWritten(): Promise<void> {
    if (this.failure) throw this.failure;
    try {
      await this.segments.sync();
    } catch (error) {
      // What the system could not write it may forget: nothing can be certain any more.
      this.fail(toError(error));
      throw error;
    }
  }

  private fail(error: Error, entries: readonly Entry[] = []): void {
    for (const { recorded } of [...entries, ...this.takeQueue()]) recorded?.reject(error);
    if (this.failure) return;
    this.failure = error;
    this.settleWaiters();
    this.didWrite.fire();
  }

  private settleWaiters(): void {
    this.room?.resolve();
    this.room = undefined;
    const { failure, settledCount } = this;
    for (const { count, done } of this.waiters) {
      if (failure) done.reject(failure);
      else if (count <= settledCount) done.resolve();
    }
    this.waiters = failure ? [] : this.waiters.filter(({ count }) => count > settledCount);
  }
}
