import { Emitter } from '../base/event';
import type { SessionLimits, StateStore } from './ports';

/** Counts what goes on at the same time against the limits. */
export class TurnSlots {
  private readonly released = new Emitter<string>();
  /** Fires when there may be room that nobody has seen yet. */
  readonly onDidRelease = this.released.event;

  /** Sessions whose turn is about to begin, with whether they are about to get a worktree. */
  private readonly reserved = new Map<string, boolean>();

  constructor(
    private readonly store: Pick<StateStore, 'sessions'>,
    private readonly limits: () => SessionLimits,
  ) {}

  /** True while another turn may begin. */
  hasRoomForTurn(): boolean {
    const { maxRunningTurns } = this.limits();
    if (this.reserved.size >= maxRunningTurns) return false;
    const running = this.store.sessions.runningIds();
    const beginning = [...this.reserved.keys()].filter((id) => !running.includes(id));
    return running.length + beginning.length < maxRunningTurns;
  }

  /** True while another session may work in a worktree of its own. */
  hasRoomForWorktree(): boolean {
    const coming = [...this.reserved.values()].filter((isNew) => isNew).length;
    return this.store.sessions.countWorktrees() + coming < this.limits().maxParallelWorktrees;
  }

  /** A session's turn is about to begin, in a new worktree or where it is. */
  reserve(sessionId: string, hasNewWorktree: boolean): void {
    this.reserved.set(sessionId, hasNewWorktree);
  }

  /** The turn has begun, and counts as running; or it does not begin after all. */
  release(sessionId: string): void {
    if (this.reserved.delete(sessionId)) this.released.fire(sessionId);
  }
}
