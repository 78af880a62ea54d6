import { UserError } from '../base/errors';
import type { Session } from '../domain/session';

/** Work for a session that has ended. */
export class SessionEndedError extends UserError {
  override name = 'SessionEndedError';

  constructor(
    readonly session: Session,
    what: string,
  ) {
    super(
      `${what}: session ${session.id} is ${session.state}. Resume it, or choose one that is pending, running or idle.`,
    );
  }
}

/** A handoff that a session would send to itself. */
export class SelfHandoffError extends UserError {
  override name = 'SelfHandoffError';

  constructor(readonly sessionId: string) {
    super(
      `Session ${sessionId} cannot hand a task to itself. Send it a prompt instead, or choose another receiver.`,
    );
  }
}

/** A number of something that nobody has. */
export class HandoffNotFoundError extends UserError {
  override name = 'HandoffNotFoundError';

  constructor(readonly handoffId: number) {
    super(`Handoff not found: ${handoffId}`);
  }
}

/** A handoff in a state that does not allow what was asked. */
export class HandoffStateError extends UserError {
  override name = 'HandoffStateError';

  constructor(
    readonly handoffId: number,
    wanted: string,
    why: string,
  ) {
    super(`Handoff ${handoffId} cannot be ${wanted}: ${why}`);
  }
}

/** A limit that is no whole number from 0 on. */
export class InvalidLimitError extends UserError {
  override name = 'InvalidLimitError';

  constructor(what: string, value: number) {
    super(`The limit of ${what} must be a whole number from 0 on, not ${value}.`);
  }
}
