import { UserError } from '../base/errors';
import type { Clock } from '../domain/clock';
import type { SessionEvent } from '../domain/events';
import {
  handoffCommandId,
  handoffPrompt,
  MAX_ATTEMPTS,
  retryDelayMs,
  type Handoff,
  type HandoffPurpose,
} from '../domain/handoff';
import { PERSON, type HandoffTask } from '../domain/message';
import { isActive, type Session } from '../domain/session';
import type { FirstPrompt, StateStore, WorkRules } from '../session/ports';
import { HandoffChain, type NewHandoff } from './handoffChain';
import { HandoffReturns } from './handoffReturns';
import { Settlement } from './settlement';
import { TurnNotes } from './turnNotes';

/**
 * What becomes of handoffs: each method is one step of a handoff's life and must be called inside a
 * transaction, so that it counts together with what caused it. At any time exactly one handoff holds
 * a piece of work: when one gives it up, another one takes its place in the same step.
 */
export class HandoffBook implements WorkRules {
  private readonly notes = new TurnNotes();
  private readonly chain: HandoffChain;
  private readonly settlement: Settlement;
  private readonly returns: HandoffReturns;

  constructor(store: StateStore, clock: Clock) {
    this.chain = new HandoffChain(store, clock);
    this.settlement = new Settlement(this.chain, this.notes);
    this.returns = new HandoffReturns(this.chain, this.settlement);
  }

  /** Fires, inside the transaction, with the time at which a handoff may be tried again. */
  get onDidPutOff(): HandoffReturns['onDidPutOff'] {
    return this.returns.onDidPutOff;
  }

  /** See {@link HandoffChain.queue}. */
  queue(wanted: NewHandoff): Handoff {
    return this.chain.queue(wanted);
  }

  /** See {@link HandoffChain.taskOf}. */
  taskOf(handoff: Handoff): HandoffTask {
    return this.chain.taskOf(handoff);
  }

  /** Routing has passed a `team` handoff on; it settles when the one made for it does. */
  passedOn(source: Handoff, reason: string): void {
    this.chain.close(source, { state: 'routed', reason });
  }

  /** Nobody is to do it any more, or another handoff has taken its place. */
  withdraw(handoff: Handoff, reason: string): void {
    this.chain.close(handoff, { state: 'withdrawn', reason });
    this.returns.noLongerStranded(handoff.to);
    const source = this.chain.sourceOf(handoff);
    if (source?.state === 'routed' && !this.chain.hasOpenChild(source))
      this.withdraw(source, reason);
  }

  /** An attempt to give it to an agent has failed before the agent had it. */
  attemptFailed(handoff: Handoff, why: string): void {
    const attempts = handoff.attempts + 1;
    if (attempts >= MAX_ATTEMPTS) {
      this.settlement.settle(
        { ...handoff, attempts },
        false,
        `It could not be given to its agent: ${why}`,
      );
      return;
    }
    const after = this.chain.clock() + retryDelayMs(attempts);
    this.chain.change(handoff, { attempts, after, reason: why });
  }

  /** Its deadline has passed while it waited. */
  expired(handoff: Handoff): void {
    this.settlement.settle(handoff, false, OVERDUE);
  }

  /**
   * A stranded handoff gets a receiver again.
   * @returns the handoff that takes its place
   */
  rescue(handoff: Handoff, to: string, purpose: HandoffPurpose): Handoff {
    const { attempts, deadline } = handoff;
    const replacement = this.queue({
      ...this.taskOf(handoff),
      from: PERSON,
      to,
      purpose,
      attempts,
      deadline,
    });
    const reason = `A person gave it to ${to}, as handoff ${replacement.id}.`;
    this.chain.close(handoff, { state: 'withdrawn', reason, originId: replacement.id });
    this.returns.noLongerStranded(handoff.to);
    return replacement;
  }

  eventApplied(before: Session, after: Session, event: SessionEvent): void {
    this.notes.hear(after, event);
    if (event.type === 'turn-started') {
      this.turnStarted(event.commandId);
    } else if (event.type === 'turn-ended') {
      this.turnEnded(after, event.commandId, event.stopReason, event.error);
    } else if (event.type === 'exit' && isActive(before.state) && !isActive(after.state)) {
      this.ended(after);
    }
  }

  ended(session: Session): void {
    const why = `Session ${session.id} ${session.state === 'failed' ? 'has failed' : `is ${session.state}`}`;
    this.letGo(session, why, session.reason ?? `${why} in the middle of it.`);
  }

  resumed(session: Session): void {
    const handoff = this.workOf(session);
    if (!handoff || handoff.state === 'queued') return;
    if (handoff.state === 'done') {
      throw new UserError(
        `Session ${session.id} has done what it was asked for. Delegate a new session for more.`,
      );
    }
    const source = this.chain.sourceOf(handoff);
    const elsewhere = this.chain.holderOf(handoff);
    if (elsewhere && elsewhere.id !== handoff.id) {
      throw new UserError(
        elsewhere.state === 'done'
          ? `The task of session ${session.id} has been done by ${elsewhere.to} meanwhile.`
          : `The task of session ${session.id} has gone to ${elsewhere.to} meanwhile (${elsewhere.state}). Withdraw it there first, or delegate it anew.`,
      );
    }
    // Another attempt has another command id: a runner acts on one id once.
    const attempts = handoff.attempts + 1;
    this.chain.change(handoff, { state: 'queued', attempts, after: undefined, reason: undefined });
    this.chain.store.messages.setRead(handoff.id, false);
    this.returns.noLongerStranded(handoff.to);
    if (source && source.state !== 'taken') this.chain.change(source, { state: 'routed' });
  }

  deleted(session: Session): void {
    const why = `Session ${session.id} was deleted`;
    this.letGo(session, why, `${why}.`);
    for (const handoff of this.chain.store.handoffs.openTo(session.id)) {
      if (handoff.state === 'stranded') this.returns.strand(handoff);
    }
  }

  firstPrompt(session: Session): FirstPrompt {
    const handoff = this.workOf(session);
    if (handoff && this.chain.isOverdue(handoff)) throw new UserError(OVERDUE);
    if (handoff?.state === 'queued') return this.promptOf(handoff);
    return { commandId: `task:${session.id}:${session.appliedSeq}`, text: session.task };
  }

  /** What an agent is told to take a handoff. */
  promptOf(handoff: Handoff): FirstPrompt {
    const { task, context } = this.taskOf(handoff);
    return { commandId: handoffCommandId(handoff), text: handoffPrompt(task, context) };
  }

  /** The session does nothing more: what it has not taken goes back, what it was at has failed. */
  private letGo(session: Session, why: string, failure: string): void {
    for (const { id } of this.chain.store.handoffs.openTo(session.id)) {
      const handoff = this.chain.store.handoffs.get(id);
      if (handoff?.state === 'queued') {
        if (id === session.initialHandoffId && session.state === 'failed') {
          this.returns.failedToStart(handoff, session.reason ?? why);
        } else {
          this.returns.giveBack(handoff, `${why} before it took this.`);
        }
      }
      // One whose turn is over waits for what it has handed on.
      else if (handoff?.state === 'taken' && !this.chain.isTurnOver(handoff)) {
        this.settlement.settle(handoff, false, failure);
      }
    }
    this.notes.forget(session.id);
  }

  private turnStarted(commandId: string): void {
    const handoff = this.chain.byCommand(commandId);
    if (handoff?.state !== 'queued') return;
    this.chain.change(handoff, { state: 'taken' });
    this.chain.store.messages.setRead(handoff.id, true);
  }

  private turnEnded(
    session: Session,
    commandId: string,
    stopReason: string,
    error: string | undefined,
  ): void {
    const handoff = this.chain.byCommand(commandId);
    if (handoff?.state !== 'taken') return;
    if (stopReason !== 'end_turn') {
      this.settlement.settle(
        handoff,
        false,
        error ?? session.reason ?? `Its turn ended: ${stopReason}.`,
      );
    } else if (!this.chain.hasOpenChild(handoff)) {
      this.settlement.settle(handoff, true, undefined);
    }
  }

  /**
   * What a session that begins, perhaps again, is to do: what it was created for or, when that is done,
   * what it was at last. Undefined for one that a person started.
   */
  private workOf({ id, initialHandoffId }: Session): Handoff | undefined {
    const { handoffs } = this.chain.store;
    const initial = initialHandoffId === undefined ? undefined : handoffs.get(initialHandoffId);
    return initial?.state === 'done' ? (handoffs.latestSelf(id) ?? initial) : initial;
  }
}

const OVERDUE = 'Its deadline has passed.';
