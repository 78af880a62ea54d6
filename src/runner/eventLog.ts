import * as fs from 'node:fs/promises';
import { Emitter } from '../base/event';
import { deferred, type Deferred } from '../base/async';
import { toError } from '../base/errors';
import type { EventBody, SessionEvent } from '../domain/events';
import { recoverEvents } from './eventRecovery';

/** Text that arrives while an earlier write is under way is merged up to this many UTF-16 units. */
const MAX_MERGED_CHARS = 16 * 1024;

/** Text that may wait to be written before agents are slowed down, in UTF-16 units. */
const MAX_QUEUED_CHARS = 4 * 1024 * 1024;

/**
 * The events of a session in its file: numbered without gaps, one line each, only complete lines.
 * What comes within one tick, or while the disk is busy, is written together. Readers of the file
 * go by {@link writtenBytes}; nothing is told to anybody before it is there.
 */
export class EventLog {
  /** Fires after events were written, and once when the log has failed. */
  readonly onDidWrite;
  private readonly didWrite = new Emitter<void>();
  private queue: EventBody[] = [];
  private queuedChars = 0;
  private times: number[] = [];
  private isWriting = false;
  private waiters: { readonly seq: number; readonly done: Deferred<void> }[] = [];
  private room: Deferred<void> | undefined;
  private failure: Error | undefined;

  private constructor(
    private readonly handle: fs.FileHandle,
    private lastWrittenSeq: number,
    private size: number,
    /** Ids of the prompts that the agent was given, by this runner or one before it. */
    readonly promptIds: ReadonlySet<string>,
  ) {
    this.onDidWrite = this.didWrite.event;
  }

  /**
   * Opens the log, or makes it (0600). It continues after the last complete line; a torn one, which
   * a crash can leave behind, is removed.
   * @throws {UserError} when the file holds something else than events
   */
  static async open(file: string): Promise<EventLog> {
    const handle = await fs.open(file, 'a+', 0o600);
    try {
      const { lastSeq, bytes, promptIds } = await recoverEvents(handle);
      await handle.truncate(bytes);
      return new EventLog(handle, lastSeq, bytes, promptIds);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** `seq` of the last event that is in the file; 0 when there is none. */
  get writtenSeq(): number {
    return this.lastWrittenSeq;
  }

  /** Length of the complete lines in the file. */
  get writtenBytes(): number {
    return this.size;
  }

  /** Why the log takes no more events; undefined while it does. */
  get failed(): Error | undefined {
    return this.failure;
  }

  /** Adds an event. It is written soon; after a failure it is dropped. */
  append(body: EventBody): void {
    if (this.failure || this.mergeText(body)) return;
    this.queue.push(body);
    this.times.push(Date.now());
    // An estimate will do: long are only texts, most of the rest is a tool call.
    this.queuedChars += 'text' in body ? body.text.length : 1_000;
    this.scheduleWrite();
  }

  /**
   * Settles when everything that was appended so far is in the file.
   * @throws {Error} when it could not be written
   */
  async flush(): Promise<void> {
    const seq = this.lastWrittenSeq + this.pendingCount;
    if (this.failure) throw this.failure;
    if (this.pendingCount === 0) return;
    const done: Deferred<void> = deferred();
    this.waiters.push({ seq, done });
    await done.promise;
  }

  /** Settles when more events should be appended: whoever produces many waits for it. */
  async whenRoom(): Promise<void> {
    if (this.queuedChars <= MAX_QUEUED_CHARS || this.failure) return;
    this.room ??= deferred();
    await this.room.promise;
  }

  /** Reads from the file; `length` bytes at most. */
  async read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.min(length, this.size - position));
    const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, position);
    return buffer.subarray(0, bytesRead);
  }

  /**
   * Writes one more event after a failure, if that is possible by now (a full disk may have room
   * again, or for one line). Does nothing while the log works.
   */
  async appendAfterFailure(body: EventBody): Promise<void> {
    if (!this.failure) return;
    await this.writeEvents([body], [Date.now()]);
    this.didWrite.fire();
  }

  /** Closes the file; call {@link flush} before. */
  async close(): Promise<void> {
    await this.handle.close();
  }

  private inFlight = 0;

  private get pendingCount(): number {
    return this.queue.length + this.inFlight;
  }

  private mergeText(body: EventBody): boolean {
    const last = this.queue.at(-1);
    if (!last || (body.type !== 'text' && body.type !== 'thought') || last.type !== body.type) {
      return false;
    }
    if (last.text.length + body.text.length > MAX_MERGED_CHARS) return false;
    this.queue[this.queue.length - 1] = { type: body.type, text: last.text + body.text };
    this.queuedChars += body.text.length;
    return true;
  }

  private scheduleWrite(): void {
    if (this.isWriting) return;
    this.isWriting = true;
    setImmediate(() => void this.writeQueue());
  }

  /** Never rejects: a failure is kept and passed on to everyone who waits. */
  private async writeQueue(): Promise<void> {
    while (this.queue.length > 0 && !this.failure) {
      const [bodies, times] = [this.queue, this.times];
      this.queue = [];
      this.times = [];
      this.queuedChars = 0;
      this.inFlight = bodies.length;
      try {
        await this.writeEvents(bodies, times);
      } catch (error) {
        this.failure = toError(error);
        this.queue = [];
        this.times = [];
      }
      this.inFlight = 0;
      this.settleWaiters();
      this.didWrite.fire();
    }
    this.isWriting = false;
  }

  private async writeEvents(bodies: EventBody[], times: number[]): Promise<void> {
    let seq = this.lastWrittenSeq;
    const lines = bodies.map((body, index) => {
      const event: SessionEvent = { seq: ++seq, at: times[index] ?? 0, ...body };
      return `${JSON.stringify(event)}\n`;
    });
    const bytes = Buffer.from(lines.join(''), 'utf8');
    try {
      await this.handle.appendFile(bytes);
    } catch (error) {
      // A part may have been written; without it the file ends with a complete line again.
      await this.handle.truncate(this.size).catch(() => undefined);
      throw error;
    }
    this.lastWrittenSeq = seq;
    this.size += bytes.length;
  }

  private settleWaiters(): void {
    this.room?.resolve();
    this.room = undefined;
    const { failure, lastWrittenSeq } = this;
    for (const { seq, done } of this.waiters) {
      if (failure) done.reject(failure);
      else if (seq <= lastWrittenSeq) done.resolve();
    }
    this.waiters = failure ? [] : this.waiters.filter(({ seq }) => seq > lastWrittenSeq);
  }
}
