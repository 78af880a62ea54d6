import type { Readable } from 'node:stream';

const KEPT_LINES = 400;

/** The lines of a process's output: what came last, and waiting for one that comes. */
export class LogLines {
  private readonly kept: string[] = [];
  private readonly listeners = new Set<(line: string) => void>();

  /** Takes in a stream; several may be read. */
  read(stream: Readable): void {
    let pending = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (pending + text).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) this.add(line);
    });
  }

  /** Calls `listener` for every line from now on; the result ends that. */
  onLine(listener: (line: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * The next line that matches, among those that come after this call. Call it before you do what
   * leads to the line.
   * @param timeoutMs default 30 seconds
   * @throws {Error} when none has come by then; holds the last lines
   */
  next(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const stop = this.onLine((line) => {
        const match = pattern.exec(line);
        if (!match) return;
        clearTimeout(timer);
        stop();
        resolve(match);
      });
      const timer = setTimeout(() => {
        stop();
        reject(
          new Error(
            `No line ${String(pattern)} within ${timeoutMs} ms. Last lines:\n${this.tail(25)}`,
          ),
        );
      }, timeoutMs);
    });
  }

  /** The last `count` lines, indented. */
  tail(count: number): string {
    return this.kept
      .slice(-count)
      .map((line) => `  ${line}`)
      .join('\n');
  }

  private add(line: string): void {
    this.kept.push(line);
    if (this.kept.length > KEPT_LINES) this.kept.shift();
    for (const listener of [...this.listeners]) listener(line);
  }
}
