import { deferred, type Deferred } from '../base/async';
import { DisposableStore, type Disposable } from '../base/disposable';
import type { StateStore } from './ports';
import type { TurnSlots } from './turnSlots';

/**
 * Pending sessions that are to be started, the one that was created first first, as many at a time as
 * the limits allow. The others wait; they are not refused.
 */
export class StartQueue implements Disposable {
  private readonly waiting = new Map<string, Deferred<undefined>>();
  private readonly disposables = new DisposableStore();
  private isLooking = false;
  private hasEnded = false;

  /** @param start settles when the agent has its first prompt, or the session has failed */
  constructor(
    private readonly store: StateStore,
    private readonly slots: TurnSlots,
    private readonly start: (sessionId: string) => Promise<void>,
  ) {
    this.disposables.add(store.onDidChange(() => this.lookSoon()));
    this.disposables.add(slots.onDidRelease(() => this.lookSoon()));
  }

  /** Starts a session when its turn comes; settles as its start does, also when asked for twice. */
  add(sessionId: string): Promise<void> {
    let entry = this.waiting.get(sessionId);
    if (!entry) {
      entry = deferred();
      this.waiting.set(sessionId, entry);
      this.lookSoon();
    }
    return entry.promise.then(() => undefined);
  }

  /** Takes a session out that has not been started yet. @returns false when there is none */
  cancel(sessionId: string, why: Error): boolean {
    const entry = this.waiting.get(sessionId);
    if (!entry) return false;
    this.waiting.delete(sessionId);
    entry.reject(why);
    return true;
  }

  dispose(): void {
    this.hasEnded = true;
    this.disposables.dispose();
  }

  /** Many changes at once make it look once. */
  private lookSoon(): void {
    if (this.isLooking || this.waiting.size === 0) return;
    this.isLooking = true;
    setImmediate(() => {
      this.isLooking = false;
      if (!this.hasEnded) this.look();
    });
  }

  private look(): void {
    for (const id of this.store.sessions.pendingIds()) {
      const entry = this.waiting.get(id);
      if (!entry) continue;
      if (!this.slots.hasRoomForTurn()) return;
      const session = this.store.sessions.get(id);
      const isNew = session?.repository !== undefined && !session.worktree;
      // Another one behind it may need no worktree.
      if (isNew && !this.slots.hasRoomForWorktree()) continue;
      this.waiting.delete(id);
      this.slots.reserve(id, isNew);
      void this.begin(id, entry);
    }
  }

  private async begin(id: string, entry: Deferred<undefined>): Promise<void> {
    try {
      await this.start(id);
      entry.resolve(undefined);
    } catch (error) {
      entry.reject(error as Error);
    } finally {
      this.slots.release(id);
      this.lookSoon();
    }
  }
}
