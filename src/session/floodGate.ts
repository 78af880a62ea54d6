import type { RunnerLink } from './ports';

/**
 * After output of a flood was taken in, the event loop is left to others for so many times as long as
 * that took. With eight agents at work beside it, a process that wants more than about a tenth of a
 * core is no longer woken in time, whatever it is woken for.
 */
const REST_SHARE = 10;

/** Bounds of the rest, in milliseconds. The longest still lets about 10 MB a second through. */
const MIN_REST_MS = 1;
const MAX_REST_MS = 12;

/**
 * Lets the runners that flood be read one after the other, with a rest after each: the event loop stays
 * free for others, and of all that waits to be read only one's share is in memory.
 */
export class FloodGate {
  private readonly held = new Set<Pick<RunnerLink, 'resume'>>();
  private timer: NodeJS.Timeout | undefined;
  private restMs = MIN_REST_MS;

  /**
   * Resumes a link that was paused, when its turn comes.
   * @param workMs how long it took to take in what it brought, in milliseconds
   */
  admit(link: Pick<RunnerLink, 'resume'>, workMs: number): void {
    this.held.add(link);
    this.restMs = Math.min(MAX_REST_MS, Math.max(MIN_REST_MS, REST_SHARE * workMs));
    this.rest();
  }

  /** Nobody is resumed any more. */
  dispose(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.held.clear();
  }

  private rest(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const [next] = this.held;
      if (!next) return;
      this.held.delete(next);
      if (this.held.size > 0) this.rest();
      next.resume();
    }, this.restMs);
  }
}
