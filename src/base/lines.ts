import { StringDecoder } from 'node:string_decoder';

/**
 * Cuts a stream of bytes into lines of text. Characters and lines may be split anywhere between
 * chunks. A line longer than `maxChars` is handed out in pieces, so that memory stays bounded.
 */
export class LineSplitter {
  private readonly decoder = new StringDecoder('utf8');
  private pending: string[] = [];
  private pendingChars = 0;

  /** @param maxChars longest line, in UTF-16 units; default 1 Mi */
  constructor(
    private readonly onLine: (line: string) => void,
    private readonly maxChars = 1024 * 1024,
  ) {}

  /** Takes the next bytes and calls `onLine` for every line that they complete. */
  push(chunk: Buffer): void {
    const text = this.decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.keep(text.slice(start, end));
      this.emit();
      start = end + 1;
    }
    this.keep(text.slice(start));
  }

  /** The stream has ended: hands out the last line if it has no line feed. */
  end(): void {
    this.keep(this.decoder.end());
    if (this.pendingChars > 0) this.emit();
  }

  private keep(text: string): void {
    for (let rest = text; rest.length > 0;) {
      const room = this.maxChars - this.pendingChars;
      const piece = rest.slice(0, room);
      this.pending.push(piece);
      this.pendingChars += piece.length;
      rest = rest.slice(room);
      if (rest.length > 0) this.emit();
    }
  }

  private emit(): void {
    const line = this.pending.join('');
    this.pending = [];
    this.pendingChars = 0;
    this.onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}
