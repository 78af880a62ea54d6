import { deferred, type Deferred } from '../base/async';
import { DisposableStore, type Disposable } from '../base/disposable';
import type { Logger } from '../base/log';
import type { StateStore } from './ports';
import type { TurnSlots } from './turnSlots';

const WAITS_FOR_TURN =
  'It waits for a free turn: as many are under way as deputy.maxRunningTurns allows, or the workspace is not trusted.';
const WAITS_FOR_WORKTREE =
  'It waits for a free place: as many sessions work in worktrees as deputy.maxParallelWorktrees allows.';

/**
 * Pending sessions that are to be started, the one that was created first first, as many at a time as
 * the limits allow. The others wait; they are not refused.
 */
export class StartQueue implements Disposable {
  private readonly waiting = new Map<string, Deferred<undefined>>();
  /** What the rows of those that wait say. */
  private readonly explained = new Map<string, string>();
  private readonly disposables = new DisposableStore();
  private isLooking = false;
  private hasEnded = false;

  /** @param start settles when the agent has its first prompt, or the session has failed */
  constructor(
    private readonly store: StateStore,
    private readonly slots: TurnSlots,
    private readonly start: (sessionId: string) => Promise<void>,
    private readonly log: Logger,
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
    this.explained.delete(sessionId);
    entry.reject(why);
    return true;
  }

  /** Looks again, because the limits have changed. */
  wake(): void {
    this.lookSoon();
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
    if (!this.slots.hasRoomForTurn()) {
      for (const id of this.waiting.keys()) this.explain(id, WAITS_FOR_TURN);
      return;
    }
    for (const id of this.store.sessions.pendingIds()) {
      const entry = this.waiting.get(id);
      if (!entry) continue;
      try {
        this.lookAtOne(id, entry);
      } catch (error) {
        // A damaged row, or a full disk, must not keep the others waiting.
        this.log.error(`session ${id}: it cannot be started now`, error);
      }
    }
  }

  private lookAtOne(id: string, entry: Deferred<undefined>): void {
    if (!this.slots.hasRoomForTurn()) {
      this.explain(id, WAITS_FOR_TURN);
      return;
    }
    const session = this.store.sessions.get(id);
    const isNew = session?.repository !== undefined && !session.worktree;
    // Another one behind it may need no worktree.
    if (isNew && !this.slots.hasRoomForWorktree()) {
      this.explain(id, WAITS_FOR_WORKTREE);
      return;
    }
    this.waiting.delete(id);
    this.slots.reserve(id, isNew);
    void this.begin(id, entry);
  }

  /** Says on the session's row what it waits for. */
  private explain(id: string, reason: string): void {
    if (this.explained.get(id) === reason) return;
    this.explained.set(id, reason);
    try {
      this.store.mutate(() => {
        const session = this.store.sessions.get(id);
        if (session?.state === 'pending') this.store.sessions.update({ ...session, reason });
      });
    } catch (error) {
      this.log.error(`session ${id}: what it waits for cannot be stored now`, error);
    }
  }

  private async begin(id: string, entry: Deferred<undefined>): Promise<void> {
    this.explained.delete(id);
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
