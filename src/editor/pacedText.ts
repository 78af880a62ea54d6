import type { Disposable } from '../base/disposable';
import { later, type Later } from '../base/timers';

/** How long text waits for more of it, in milliseconds, and how much is not waited with. */
const GATHER_MS = 50;
const GATHER_CHARS = 64 * 1024;

/**
 * What is shown at once, and from then on every second, in UTF-16 units. A person reads some 20 a
 * second, an agent says some hundred, and a build log that scrolls past comes to some thousand; what
 * VS Code is given beyond that slows the window down, stays on disk until it is closed, and helps nobody.
 */
const BURST_CHARS = 4 * 1024 * 1024;
const CHARS_A_MS = 64;

/** So much is shown again after something was left out; the latest, for it tells how a flood ended. */
const TAIL_CHARS = 16 * 1024;

/** A longer line is cut anywhere. */
const MAX_LINE_CHARS = 4 * 1024;

/** In a flood that does not end, something is shown whenever there is room for so much. */
const ROOM_CHARS = 256 * 1024;

/** A flood has ended when nothing came for so long, in milliseconds. */
const QUIET_MS = 500;

/**
 * Passes text on in few large pieces. Where more comes than anybody could look at, the middle is left
 * out, and a line says how much that was.
 */
export class PacedText implements Disposable {
  private pending: string[] = [];
  private pendingChars = 0;
  private leftOutChars = 0;
  private isAtLineStart = true;
  private room = BURST_CHARS;
  private refilledAt: number;
  private timer: Disposable | undefined;
  /** Something came since the timer was set. */
  private isBusy = false;

  /**
   * @param append shows text
   * @param soon default: in real time
   * @param clock milliseconds since any point in time; default: in real time
   */
  constructor(
    private readonly append: (text: string) => void,
    private readonly soon: Later = later,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.refilledAt = clock();
  }

  /** Shows text, soon. */
  write(text: string): void {
    if (text === '') return;
    this.pending.push(text);
    this.pendingChars += text.length;
    this.isBusy = true;
    if (this.leftOutChars > 0) this.leaveOut();
    else if (this.pendingChars >= GATHER_CHARS) this.show();
    this.wait();
  }

  /** What has not been shown yet never is. */
  dispose(): void {
    this.timer?.dispose();
    this.pending = [];
  }

  private wait(): void {
    if (this.timer || this.pendingChars === 0) return;
    this.isBusy = false;
    this.timer = this.soon(this.leftOutChars > 0 ? QUIET_MS : GATHER_MS, () => {
      this.timer = undefined;
      this.refill();
      const isFlooding = this.leftOutChars > 0 && this.isBusy && this.room < ROOM_CHARS;
      if (!isFlooding) this.show();
      this.wait();
    });
  }

  /** Shows what is there, or begins to leave out. */
  private show(): void {
    this.refill();
    const isGoingOn = this.leftOutChars === 0;
    if (isGoingOn && this.pendingChars > this.room) {
      this.leaveOut();
      return;
    }
    const text = isGoingOn ? this.pending.join('') : this.afterGap();
    this.pending = [];
    this.pendingChars = 0;
    this.leftOutChars = 0;
    this.room -= text.length;
    this.isAtLineStart = text.endsWith('\n');
    this.append(text);
  }

  /** Keeps no more than the tail; piece by piece, for to join them all the time would cost much. */
  private leaveOut(): void {
    if (this.pendingChars <= 2 * TAIL_CHARS) return;
    const wasChars = this.pendingChars;
    let kept = this.pending.length - 1;
    let chars = this.pending[kept]?.length ?? 0;
    for (; kept > 0 && chars < TAIL_CHARS; kept--) chars += this.pending[kept - 1]?.length ?? 0;
    this.pending.splice(0, kept);
    const first = this.pending[0] ?? '';
    const cut = chars - TAIL_CHARS;
    if (cut > TAIL_CHARS) this.pending[0] = first.slice(startOfTail(first, cut));
    this.pendingChars = chars - first.length + (this.pending[0]?.length ?? 0);
    this.leftOutChars += wasChars - this.pendingChars;
  }

  private afterGap(): string {
    const text = this.pending.join('');
    const start = startOfTail(text, 0);
    const count = (this.leftOutChars + start).toLocaleString('en-US');
    const note = `… ${count} characters are left out here, because they came too fast to be shown. They are in the session's events file.\n`;
    return `${this.isAtLineStart ? '' : '\n'}${note}${text.slice(start)}`;
  }

  private refill(): void {
    const now = this.clock();
    this.room = Math.min(BURST_CHARS, this.room + (now - this.refilledAt) * CHARS_A_MS);
    this.refilledAt = now;
  }
}

/** Where a line begins, at `from` or soon after it; else where a character does. */
function startOfTail(text: string, from: number): number {
  const lineStart = text.indexOf('\n', from) + 1;
  if (lineStart > 0 && lineStart - from <= MAX_LINE_CHARS) return lineStart;
  const code = text.charCodeAt(from);
  return code >= 0xdc00 && code <= 0xdfff ? from + 1 : from;
}
