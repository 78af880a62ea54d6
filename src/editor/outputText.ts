import type { SessionEvent } from '../domain/events';
import { Transcript } from '../domain/transcript';

/**
 * The text of one session's output: what its agent did in the past and what it does now, each event
 * once and in order, whichever of the two it comes from.
 */
export class OutputText {
  private readonly transcript = new Transcript();
  private lastSeq = 0;
  /** Events that came while the past was still being read; undefined afterwards. */
  private waiting: SessionEvent[] | undefined = [];

  /** @param append adds to what is shown */
  constructor(private readonly append: (text: string) => void) {}

  /**
   * Takes the past, once; what comes meanwhile is shown after it.
   * @throws whatever `past` throws; what came before that, and what comes, is shown all the same
   */
  async fill(past: AsyncIterable<SessionEvent>): Promise<void> {
    const events: SessionEvent[] = [];
    try {
      for await (const event of past) events.push(event);
    } finally {
      const waiting = this.waiting ?? [];
      this.waiting = undefined;
      this.write([...events, ...waiting]);
    }
  }

  /** Takes what the agent has just done. */
  add(events: readonly SessionEvent[]): void {
    if (this.waiting) this.waiting.push(...events);
    else this.write(events);
  }

  private write(events: readonly SessionEvent[]): void {
    for (const event of events) {
      if (event.seq <= this.lastSeq) continue;
      this.lastSeq = event.seq;
      const text = this.transcript.append([event]);
      if (text !== '') this.append(text);
    }
  }
}
