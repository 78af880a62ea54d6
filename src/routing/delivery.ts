import { DisposableStore, type Disposable } from '../base/disposable';
import { messageOf } from '../base/errors';
import { later, type Later } from '../base/timers';
import type { Clock } from '../domain/clock';
import type { Logger } from '../base/log';
import type { Handoff } from '../domain/handoff';
import { LetGoError, RunnerUnreachableError } from '../session/errors';
import type { FirstPrompt, StateStore } from '../session/ports';
import type { TurnSlots } from '../session/turnSlots';
import type { HandoffBook } from './handoffBook';

/** What delivery needs of the sessions. */
export interface TurnPort {
  isFollowing(sessionId: string): boolean;
  /** See `SessionManager.giveTurn`. */
  giveTurn(sessionId: string, next: () => FirstPrompt | undefined): Promise<boolean>;
}

/** The parts that delivery works with. */
export interface DeliveryParts {
  readonly store: StateStore;
  readonly book: HandoffBook;
  readonly turns: TurnPort;
  readonly slots: TurnSlots;
  readonly clock: Clock;
  /** Default: real time. */
  readonly later?: Later | undefined;
  readonly log: Logger;
}

/**
 * Gives idle sessions the handoffs that wait for them, each as the next turn of the session's own
 * conversation: priority first, then the oldest.
 */
export class Delivery implements Disposable {
  private readonly giving = new Map<string, number>();
  /** Sessions that may have something to do. */
  private readonly dirty = new Set<string>();
  private readonly disposables = new DisposableStore();
  private isLooking = false;
  private hasEnded = false;
  private timer: Disposable | undefined;
  /** When {@link timer} fires, on the parts' clock. */
  private lookDueAt = Infinity;

  constructor(private readonly parts: DeliveryParts) {
    this.disposables.add(
      parts.store.onDidChange((ids) => {
        for (const id of ids) this.dirty.add(id);
        this.lookSoon();
      }),
    );
    this.disposables.add(parts.slots.onDidRelease(() => this.lookSoon()));
  }

  /** True while a handoff is being given to its agent: it must stay where it is. */
  isGiving(handoffId: number): boolean {
    for (const id of this.giving.values()) if (id === handoffId) return true;
    return false;
  }

  /** Looks at a session that may have something waiting. */
  lookAt(sessionId: string): void {
    this.dirty.add(sessionId);
    this.lookSoon();
  }

  /** Looks at all sessions that have something waiting, as is needed when they have been found again. */
  lookAtAll(): void {
    for (const id of this.parts.store.handoffs.queuedCounts('self').keys()) this.dirty.add(id);
    this.lookSoon();
  }

  dispose(): void {
    this.hasEnded = true;
    this.timer?.dispose();
    this.disposables.dispose();
  }

  private lookSoon(): void {
    if (this.isLooking || this.hasEnded) return;
    this.isLooking = true;
    setImmediate(() => {
      this.isLooking = false;
      if (!this.hasEnded) this.look();
    });
  }

  private look(): void {
    const ids = [...this.dirty];
    this.dirty.clear();
    for (const id of ids) {
      try {
        this.lookAtOne(id);
      } catch (error) {
        // A damaged row, or a full disk, must not keep the others waiting.
        this.parts.log.error(`session ${id}: what waits for it cannot be given to it now`, error);
      }
    }
  }

  private lookAtOne(id: string): void {
    if (this.giving.has(id) || !this.parts.turns.isFollowing(id)) return;
    if (this.parts.store.sessions.get(id)?.state !== 'idle') return;
    const handoff = this.next(id);
    if (!handoff) return;
    if (!this.parts.slots.hasRoomForTurn()) {
      // It is looked at again when something changes, as the end of a turn does.
      this.dirty.add(id);
      return;
    }
    this.parts.slots.reserve(id, false);
    this.giving.set(id, handoff.id);
    void this.give(id, handoff.id);
  }

  /** The handoff that a session should take now. */
  private next(sessionId: string): Handoff | undefined {
    const { store, book, clock } = this.parts;
    const now = clock();
    for (const handoff of store.handoffs.queued(sessionId, 'self')) {
      if (handoff.deadline !== undefined && handoff.deadline <= now) {
        store.mutate(() => book.expired(handoff));
      } else if (handoff.after !== undefined && handoff.after > now) {
        this.lookLater(sessionId, handoff.after - now);
      } else {
        return handoff;
      }
    }
    return undefined;
  }

  private async give(sessionId: string, handoffId: number): Promise<void> {
    const { store, book, turns, slots, log } = this.parts;
    try {
      await turns.giveTurn(sessionId, () => {
        const handoff = store.handoffs.get(handoffId);
        return handoff?.state === 'queued' && handoff.to === sessionId
          ? book.promptOf(handoff)
          : undefined;
      });
    } catch (error) {
      if (this.hasEnded || error instanceof LetGoError) return;
      log.warn(`session ${sessionId}: handoff ${handoffId} was not taken: ${messageOf(error)}`);
      // Whether it got there is not known then: it is sent again under the same id.
      if (error instanceof RunnerUnreachableError) return;
      this.failed(handoffId, messageOf(error));
    } finally {
      this.giving.delete(sessionId);
      slots.release(sessionId);
      this.dirty.add(sessionId);
      this.lookSoon();
    }
  }

  private failed(handoffId: number, why: string): void {
    const { store, book, log } = this.parts;
    try {
      store.mutate(() => {
        const handoff = store.handoffs.get(handoffId);
        if (handoff?.state === 'queued') book.attemptFailed(handoff, why);
      });
    } catch (error) {
      log.error(`handoff ${handoffId}: its failed attempt cannot be stored now`, error);
    }
  }

  /** Of several that wait, the first one decides; then all are looked at. */
  private lookLater(sessionId: string, inMs: number): void {
    this.dirty.add(sessionId);
    const { later: after = later, clock } = this.parts;
    const waitMs = Math.min(inMs, LONGEST_WAIT_MS);
    const dueAt = clock() + waitMs;
    if (dueAt >= this.lookDueAt) return;
    this.timer?.dispose();
    this.lookDueAt = dueAt;
    this.timer = after(waitMs, () => {
      this.lookDueAt = Infinity;
      this.lookAtAll();
    });
  }
}

/** A timer cannot wait for longer than 24 days, and fires at once instead. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1_000;
