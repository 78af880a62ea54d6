import type { FileHandle } from 'node:fs/promises';
import { deferred, type Deferred } from '../base/async';
import type { Disposable } from '../base/disposable';
import { errorCode } from '../base/errors';
import type { EventLog } from './eventLog';
import type { Segment } from './segment';

const BLOCK_BYTES = 128 * 1024;
const LINE_FEED = 0x0a;
const MESSAGE_START = Buffer.from('{"event":');
const MESSAGE_END = Buffer.from('}\n');

/**
 * Follows the event log for one client, from a chosen event on; when that is no longer kept, from the
 * oldest that is. It always reads from the files and only as fast as the client takes it, so a slow
 * client costs one block of memory, and one that comes late sees the same as one that was there from
 * the start. Events that are deleted before it has come to them are passed over.
 */
export class Subscription implements Disposable {
  private position = 0;
  private wake: Deferred<void> = deferred();
  private isEnding = false;
  private isDisposed = false;
  private readonly watch: Disposable;

  /**
   * @param fromSeq first event that is wanted
   * @param send passes bytes to the client; settles when it can take more
   */
  constructor(
    private readonly log: EventLog,
    private readonly fromSeq: number,
    private readonly send: (bytes: Buffer) => Promise<void>,
  ) {
    this.watch = log.onDidWrite(() => this.wakeUp());
  }

  /** Sends events until {@link end} or {@link dispose}. */
  async run(): Promise<void> {
    const { segments } = this.log;
    let segment: Segment | undefined = segments.find(this.fromSeq);
    try {
      while (segment && !this.isDisposed) {
        await this.sendSegment(segment);
        segment = segments.after(segment);
      }
    } finally {
      this.watch.dispose();
    }
  }

  /** {@link run} shall settle once everything that is in the log has been sent. */
  end(): void {
    this.isEnding = true;
    this.wakeUp();
  }

  /** {@link run} shall settle without sending more. */
  dispose(): void {
    this.isDisposed = true;
    this.wakeUp();
  }

  /** Sends what is in a segment, and what comes, until it is sealed. */
  private async sendSegment(segment: Segment): Promise<void> {
    let handle: FileHandle;
    try {
      handle = await segment.acquire();
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    try {
      this.position = 0;
      // Events are numbered without gaps in a segment: the number of a line tells that of its event.
      let linesToSkip = this.fromSeq - segment.firstSeq;
      while (await this.waitForLines(segment)) {
        const lines = await this.readLines(handle, segment);
        let start = 0;
        for (; linesToSkip > 0 && start < lines.length; linesToSkip--) {
          start = lines.indexOf(LINE_FEED, start) + 1;
        }
        if (start < lines.length) await this.send(toMessages(lines.subarray(start)));
      }
    } finally {
      await segment.release();
    }
  }

  /** False when there will be no more lines in the segment, or none are wanted. */
  private async waitForLines(segment: Segment): Promise<boolean> {
    for (;;) {
      const woken = this.wake.promise;
      if (this.isDisposed) return false;
      if (this.position < segment.bytes) return true;
      if (segment.isSealed || this.isEnding) return false;
      await woken;
    }
  }

  /** The next whole lines, as many as fit into a block, but at least one. */
  private async readLines(handle: FileHandle, segment: Segment): Promise<Buffer> {
    for (let length = BLOCK_BYTES; ; length *= 4) {
      const buffer = Buffer.allocUnsafe(Math.min(length, segment.bytes - this.position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, this.position);
      const end = buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED) + 1;
      if (end === 0 && bytesRead < length) throw new Error('An event file was cut off.');
      if (end === 0) continue;
      this.position += end;
      return buffer.subarray(0, end);
    }
  }

  private wakeUp(): void {
    this.wake.resolve();
    this.wake = deferred();
  }
}

/** Wraps every line, a JSON object, as `{"event":…}`. */
function toMessages(lines: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(LINE_FEED, start);
    parts.push(MESSAGE_START, lines.subarray(start, end), MESSAGE_END);
    start = end + 1;
  }
  return Buffer.concat(parts);
}
