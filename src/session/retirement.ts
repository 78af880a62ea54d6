import { UserError } from '../base/errors';
import { isActive, type Session } from '../domain/session';
import { labelOf } from '../domain/sessionView';
import { WrongStateError } from './errors';
import { realFolders } from './folders';
import { requireSession, updateSession } from './lookup';
import type { SessionParts } from './ports';
import type { SessionEnder } from './sessionEnder';

/** What can be done with sessions that have ended. Calls for one session must not overlap. */
export class Retirement {
  constructor(
    private readonly parts: SessionParts,
    private readonly ender: SessionEnder,
  ) {}

  /**
   * Makes a session pending again that has failed or was stopped.
   * @returns false when it was pending already
   * @throws {UserError} when it cannot be started again, with the reason
   */
  async resume(id: string): Promise<boolean> {
    const session = this.get(id);
    switch (session.state) {
      case 'pending':
        return false;
      case 'running':
        throw new UserError(`Session is already running: ${id}`);
      case 'idle':
        throw new WrongStateError(session, 'resume', 'It waits for its next prompt: send it one.');
      case 'completed':
        throw new UserError(`Completed sessions cannot be resumed: ${id}`);
      case 'failed':
      case 'stopped':
        break;
    }
    await this.ender.endLeftover(id);
    await this.requireFolder(session);
    await this.parts.agents.resolve(session.agentType);
    const { store, work, clock } = this.parts;
    store.mutate(() => {
      // Its runner may have reported its end meanwhile.
      const now = this.get(id);
      work.resumed(now);
      store.sessions.update({
        ...now,
        state: 'pending',
        presence: 'gone',
        pid: undefined,
        reason: undefined,
        requests: [],
        updatedAt: clock(),
      });
    });
    await store.synced();
    return true;
  }

  /**
   * Removes a session's worktree; ends whatever is alive in it first. Its branch and base stay known.
   * @throws {WorktreeDirtyError} when work in it would be lost; nothing is removed then
   */
  async cleanUpWorktree(id: string): Promise<void> {
    if (isActive(this.get(id).state)) await this.ender.end(id, 'stop');
    await this.ender.endLeftover(id);
    const { worktree, repository } = this.get(id);
    if (!worktree || repository === undefined) return;
    await this.parts.git.removeWorktree(repository, worktree);
    updateSession(this.parts.store, id, { worktree: undefined, formerWorktree: worktree });
  }

  /**
   * Removes a session, its worktree first.
   * @throws {WrongStateError} while it is active
   * @throws {WorktreeDirtyError} when work in its worktree would be lost; nothing is removed then
   */
  async delete(id: string): Promise<void> {
    const session = this.get(id);
    if (isActive(session.state)) {
      throw new UserError(
        `Cannot delete active session ${id} while it is ${session.state}. Stop it first.`,
      );
    }
    await this.cleanUpWorktree(id);
    const { store, work, clock } = this.parts;
    store.mutate(() => {
      const now = this.get(id);
      store.attention.removeAll(id);
      work.deleted(now);
      store.messages.removeSettled(id);
      store.toolLog.removeAll(id);
      store.turns.removeAll(id);
      store.sessions.remove(now, labelOf(now), clock());
    });
    await store.synced();
  }

  private async requireFolder(session: Session): Promise<void> {
    if (session.formerWorktree) {
      throw new UserError(
        `The worktree of session ${session.id} was cleaned up, so it cannot be resumed. Its branch is ${session.formerWorktree.branch}: check it out, and start a session there.`,
      );
    }
    // One that never began has no worktree yet; it gets one.
    const { folders = realFolders } = this.parts;
    if (await folders.exists(session.workingDir)) return;
    throw new UserError(
      `The folder ${session.workingDir} of session ${session.id} is gone, so it cannot be resumed. Delegate a new session for its task.`,
    );
  }

  private get(id: string): Session {
    return requireSession(this.parts.store, id);
  }
}
