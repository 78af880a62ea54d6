import type { Later } from '../../src/base/timers';
import type { Clock } from '../../src/domain/clock';
import { turns } from './turns';

interface Timer {
  readonly at: number;
  readonly action: () => void;
}

/** Time that passes only when it is told to. */
export class SimulatedTime {
  private now = 1_000_000;
  private readonly timers = new Set<Timer>();

  /** Each look is a millisecond later than the one before, so that no order is left to chance. */
  readonly clock: Clock = () => ++this.now;

  /** Timers of one host: they do not go off once it is gone. */
  laterFor(isAlive: () => boolean): Later {
    return (ms, action) => {
      const timer = { at: this.now + ms, action: () => isAlive() && action() };
      this.timers.add(timer);
      return { dispose: () => this.timers.delete(timer) };
    };
  }

  /** Lets time pass. @param settle called after each timer that went off */
  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const next = [...this.timers].sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > until) break;
      this.timers.delete(next);
      this.now = Math.max(this.now, next.at);
      next.action();
      await turns(1);
      await settle();
    }
    this.now = Math.max(this.now, until);
  }
}
