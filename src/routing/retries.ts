import type { Disposable } from '../base/disposable';
import { DisposableStore } from '../base/disposable';
import { messageOf } from '../base/errors';
import { later, type Later } from '../base/timers';
import type { Assigner } from './assigner';
import type { RoutingParts } from './parts';

/** The parts that retries work with. */
export interface RetryParts extends Pick<RoutingParts, 'store' | 'book' | 'clock' | 'log'> {
  readonly assigner: Assigner;
  /** Default: real time. */
  readonly later?: Later | undefined;
}

/**
 * Work whose start has failed is tried again by itself, whether auto-dispatch is on or not: a person
 * has asked for it once already. What is past its deadline is not asked for any more.
 */
export class Retries implements Disposable {
  private readonly disposables = new DisposableStore();
  private timer: Disposable | undefined;
  private dueAt = Infinity;
  private hasStarted = false;
  private hasEnded = false;

  constructor(private readonly parts: RetryParts) {
    this.disposables.add(parts.book.onDidPutOff((at) => this.wakeAt(at)));
  }

  /** Begins, with what was put off before this window was opened. */
  start(): void {
    this.hasStarted = true;
    const next = this.parts.store.handoffs.nextPutOff(this.parts.clock());
    if (next !== undefined) this.wakeAt(next);
  }

  /** Tries what is due now; goes on past what fails. */
  async run(): Promise<void> {
    const { store, book, clock, assigner, log } = this.parts;
    for (const handoff of store.handoffs.pastDeadline(clock())) {
      store.mutate(() => book.expired(handoff));
    }
    for (const handoff of store.handoffs.retryable(clock())) {
      if (this.isOver()) return;
      try {
        await assigner.assignQueued(handoff);
      } catch (error) {
        log.warn(`handoff ${handoff.id} could not be tried again: ${messageOf(error)}`);
      }
    }
  }

  dispose(): void {
    this.hasEnded = true;
    this.timer?.dispose();
    this.disposables.dispose();
  }

  /** A call, because the answer changes while others are awaited. */
  private isOver(): boolean {
    return this.hasEnded;
  }

  private wakeAt(at: number): void {
    if (!this.hasStarted || this.hasEnded || at >= this.dueAt) return;
    const { clock, later: after = later, log } = this.parts;
    this.timer?.dispose();
    this.dueAt = at;
    this.timer = after(Math.max(0, at - clock()), () => {
      this.dueAt = Infinity;
      this.run()
        .then(() => {
          if (!this.hasEnded) this.start();
        })
        .catch((error: unknown) => log.error('what is due could not be tried again', error));
    });
  }
}
