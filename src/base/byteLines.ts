const LINE_FEED = 0x0a;

/** Memory that is kept for the beginning of a line, in bytes; more only while it is needed. */
const KEPT_BYTES = 64 * 1024;

/**
 * Cuts a stream of bytes into lines of text, as `LineSplitter` does, for much data in long lines: it
 * keeps no text, and no memory that it does not use again, so that little is left to be collected.
 */
export class ByteLines {
  private kept = Buffer.allocUnsafeSlow(KEPT_BYTES);
  private keptBytes = 0;

  /**
   * @param onLine gets each complete line without its line feed
   * @param maxBytes longest line; of a longer one an empty line is handed out in its place
   */
  constructor(
    private readonly onLine: (line: string) => void,
    private readonly maxBytes: number,
  ) {}

  /** Takes the next bytes; their memory may be used again afterwards. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      this.onLine(this.lineFrom(chunk, start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.keep(chunk, start, chunk.length);
  }

  private lineFrom(chunk: Buffer, start: number, end: number): string {
    if (this.keptBytes === 0) return chunk.toString('utf8', start, end);
    this.keep(chunk, start, end);
    const line =
      this.keptBytes > this.maxBytes ? '' : this.kept.toString('utf8', 0, this.keptBytes);
    this.keptBytes = 0;
    if (this.kept.length > KEPT_BYTES) this.kept = Buffer.allocUnsafeSlow(KEPT_BYTES);
    return line;
  }

  private keep(chunk: Buffer, start: number, end: number): void {
    const needed = this.keptBytes + end - start;
    if (needed <= this.maxBytes) {
      if (needed > this.kept.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.kept.length));
        this.kept.copy(larger, 0, 0, this.keptBytes);
        this.kept = larger;
      }
      chunk.copy(this.kept, this.keptBytes, start, end);
    }
    this.keptBytes = needed;
  }
}
