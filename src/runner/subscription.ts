import { deferred, type Deferred } from '../base/async';
import type { Disposable } from '../base/disposable';
import type { EventLog } from './eventLog';

const BLOCK_BYTES = 128 * 1024;
const LINE_FEED = 0x0a;
const MESSAGE_START = Buffer.from('{"event":');
const MESSAGE_END = Buffer.from('}\n');

/**
 * Follows the event log for one client, from a chosen event on. It always reads from the file and
 * only as fast as the client takes it, so a slow client costs one block of memory, and one that
 * comes late sees the same as one that was there from the start.
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
    // Events are numbered from 1 without gaps: the number of a line is the number of its event.
    let linesToSkip = this.fromSeq - 1;
    while (!this.isDisposed) {
      const woken = this.wake.promise;
      if (this.position >= this.log.writtenBytes) {
        if (this.isEnding) break;
        await woken;
        continue;
      }
      const lines = await this.readLines();
      let start = 0;
      for (; linesToSkip > 0 && start < lines.length; linesToSkip--) {
        start = lines.indexOf(LINE_FEED, start) + 1;
      }
      if (start < lines.length) await this.send(toMessages(lines.subarray(start)));
    }
    this.watch.dispose();
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

  /** The next whole lines, as many as fit into a block, but at least one. */
  private async readLines(): Promise<Buffer> {
    for (let length = BLOCK_BYTES; ; length *= 4) {
      const block = await this.log.read(this.position, length);
      const end = block.lastIndexOf(LINE_FEED) + 1;
      if (end === 0 && block.length < length) throw new Error('The event file was cut off.');
      if (end === 0) continue;
      this.position += end;
      return block.subarray(0, end);
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
