import { UserError } from '../base/errors';
import type { Session } from '../domain/session';

/** A task or prompt without any text. */
export class EmptyTextError extends UserError {
  override name = 'EmptyTextError';

  constructor(what: 'task' | 'prompt') {
    super(`The ${what} is empty. Say what the agent shall do.`);
  }
}

/** An id, or prefix of one, that no session has. */
export class SessionNotFoundError extends UserError {
  override name = 'SessionNotFoundError';

  constructor(readonly id: string) {
    super(`Session not found: ${id}`);
  }
}

/** The beginning of an id that several sessions share. */
export class AmbiguousSessionError extends UserError {
  override name = 'AmbiguousSessionError';

  constructor(
    readonly id: string,
    readonly candidates: readonly string[],
  ) {
    super(`Several sessions begin with ${id}: ${candidates.join(', ')}. Give more of the id.`);
  }
}

/** Something that the session's state does not allow now. */
export class WrongStateError extends UserError {
  override name = 'WrongStateError';

  constructor(
    readonly session: Session,
    readonly wanted: string,
    advice: string,
  ) {
    super(`Cannot ${wanted} session ${session.id} while it is ${session.state}. ${advice}`);
  }
}

/** A session whose runner does not answer though its process may live. */
export class RunnerUnreachableError extends UserError {
  override name = 'RunnerUnreachableError';

  /** @param mayHaveHeard it was told something and did not confirm it; default false */
  constructor(
    readonly sessionId: string,
    mayHaveHeard = false,
  ) {
    const outcome = mayHaveHeard
      ? 'Whether it heard this will show when it answers again'
      : 'Nothing was done. Try again';
    super(
      `The runner of session ${sessionId} does not answer, but its process seems to be alive. ${outcome}; if it stays so, look at the Deputy log.`,
    );
  }
}

/** A folder in which no worktree can be made. */
export class NoRepositoryError extends UserError {
  override name = 'NoRepositoryError';

  constructor(
    readonly folder: string,
    why: string,
  ) {
    super(
      `No worktree can be made for ${folder}. ${why} Start the session in the folder itself instead.`,
    );
  }
}

/** The window let go of its sessions while something was waited for; the agents go on. */
export class LetGoError extends UserError {
  override name = 'LetGoError';

  constructor(readonly sessionId: string) {
    super(
      `This window let go of session ${sessionId} before the work was done: it is closing, or another window has taken over. Look there.`,
    );
  }
}
