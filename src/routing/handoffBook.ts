import type { Clock } from '../domain/clock';
import {
  handoffCommandId,
  handoffIdOf,
  handoffPrompt,
  MAX_ATTEMPTS,
  retryDelayMs,
  type Handoff,
  type HandoffPurpose,
} from '../domain/handoff';
import type { SessionEvent } from '../domain/events';
import { encodeMessage, PERSON, taskOf, type HandoffTask } from '../domain/message';
import { isActive, type Session } from '../domain/session';
import { UserError } from '../base/errors';
import { Emitter } from '../base/event';
import type { FirstPrompt, StateStore, WorkRules } from '../session/ports';
import { TurnNotes } from './turnNotes';

/** A handoff before it is on record. What is left out is undefined, or 0. */
export interface NewHandoff extends HandoffTask {
  readonly from: string;
  readonly to: string;
  readonly purpose: HandoffPurpose;
  readonly originId?: number | undefined;
  readonly attempts?: number;
  readonly reason?: string | undefined;
  readonly deadline?: number | undefined;
  readonly after?: number | undefined;
}

/**
 * What becomes of handoffs: each method is one step of a handoff's life and must be called inside a
 * transaction, so that it counts together with what caused it. At any time exactly one handoff holds
 * a piece of work: when one gives it up, another one takes its place in the same step.
 */
export class HandoffBook implements WorkRules {
  private readonly notes = new TurnNotes();
  private readonly putOff = new Emitter<number>();
  /** Fires, inside the transaction, with the time at which a handoff may be tried again. */
  readonly onDidPutOff = this.putOff.event;

  constructor(
    private readonly store: StateStore,
    private readonly clock: Clock,
  ) {}

  /** Puts a handoff into an inbox. */
  queue(wanted: NewHandoff): Handoff {
    const { from, to, purpose, task, context, priority, agentType } = wanted;
    const { messages, handoffs } = this.store;
    const content = encodeMessage({ type: 'task_handoff', task, context, priority, agentType });
    const id = messages.insert({
      from,
      to,
      type: 'task_handoff',
      content,
      timestamp: this.clock(),
    });
    const handoff: Handoff = {
      id,
      from,
      to,
      purpose,
      priority,
      state: 'queued',
      originId: wanted.originId,
      attempts: wanted.attempts ?? 0,
      reason: wanted.reason,
      deadline: wanted.deadline,
      after: wanted.after,
      resultMessageId: undefined,
    };
    handoffs.insert(handoff);
    return handoff;
  }

  /** What a handoff asks for; of one whose message is gone, nothing. */
  taskOf(handoff: Handoff): HandoffTask {
    const message = this.store.messages.get(handoff.id);
    const { priority } = handoff;
    if (!message) return { task: '', context: '', priority, agentType: undefined };
    return { ...taskOf(message.content), priority };
  }

  /** Routing has passed a `team` handoff on; it settles when the one made for it does. */
  passedOn(source: Handoff, reason: string): void {
    this.change(source, { state: 'routed', reason });
    this.store.messages.setRead(source.id, true);
  }

  /** Nobody is to do it any more, or another handoff has taken its place. */
  withdraw(handoff: Handoff, reason: string): void {
    this.change(handoff, { state: 'withdrawn', reason });
    this.store.messages.setRead(handoff.id, true);
    const source = this.sourceOf(handoff);
    if (source?.state === 'routed' && !this.hasOpenChild(source)) this.withdraw(source, reason);
  }

  /** An attempt to give it to an agent has failed before the agent had it. */
  attemptFailed(handoff: Handoff, why: string): void {
    const attempts = handoff.attempts + 1;
    if (attempts >= MAX_ATTEMPTS) {
      this.settle({ ...handoff, attempts }, false, `It could not be given to its agent: ${why}`);
      return;
    }
    const after = this.clock() + retryDelayMs(attempts);
    this.change(handoff, { attempts, after, reason: why });
  }

  /** Its deadline has passed while it waited. */
  expired(handoff: Handoff): void {
    this.settle(handoff, false, OVERDUE);
  }

  /**
   * A stranded handoff gets a receiver again.
   * @returns the handoff that takes its place
   */
  rescue(handoff: Handoff, to: string, purpose: HandoffPurpose): Handoff {
    const { from, attempts, deadline } = handoff;
    const replacement = this.queue({
      ...this.taskOf(handoff),
      from,
      to,
      purpose,
      attempts,
      deadline,
    });
    const reason = `A person gave it to ${to}, as handoff ${replacement.id}.`;
    this.change(handoff, { state: 'withdrawn', reason, originId: replacement.id });
    this.store.messages.setRead(handoff.id, true);
    const isStranded = this.store.handoffs.openTo(handoff.to).some((it) => it.state === 'stranded');
    for (const item of this.store.attention.open()) {
      if (item.kind === STRANDED && item.sessionId === handoff.to && !isStranded) {
        this.store.attention.settle(item.id, this.clock());
      }
    }
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
    const handoff = this.initialHandoff(session);
    if (!handoff || handoff.state === 'queued' || handoff.state === 'done') return;
    const source = this.sourceOf(handoff);
    const elsewhere = this.holderOf(handoff);
    if (elsewhere && elsewhere.id !== handoff.id) {
      throw new UserError(
        elsewhere.state === 'done'
          ? `The task of session ${session.id} has been done by ${elsewhere.to} meanwhile.`
          : `The task of session ${session.id} has gone to ${elsewhere.to} meanwhile (${elsewhere.state}). Withdraw it there first, or delegate it anew.`,
      );
    }
    // Another attempt has another command id: a runner acts on one id once.
    const attempts = handoff.attempts + 1;
    this.change(handoff, { state: 'queued', attempts, after: undefined, reason: undefined });
    this.store.messages.setRead(handoff.id, false);
    if (source && source.state !== 'taken') this.change(source, { state: 'routed' });
  }

  deleted(session: Session): void {
    const why = `Session ${session.id} was deleted`;
    this.letGo(session, why, `${why}.`);
    for (const handoff of this.store.handoffs.openTo(session.id)) {
      if (handoff.state === 'stranded')
        this.needsPerson(session.id, STRANDED, this.strandedText(handoff));
    }
  }

  firstPrompt(session: Session): FirstPrompt {
    const handoff = this.initialHandoff(session);
    if (handoff && this.isOverdue(handoff)) throw new UserError(OVERDUE);
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
    for (const { id } of this.store.handoffs.openTo(session.id)) {
      const handoff = this.store.handoffs.get(id);
      if (handoff?.state === 'queued') {
        if (id === session.initialHandoffId && session.state === 'failed') {
          this.failedToStart(handoff, session.reason ?? why);
        } else {
          this.giveBack(handoff, `${why} before it took this.`);
        }
      }
      // One whose turn is over waits for what it has handed on.
      else if (handoff?.state === 'taken' && !this.isTurnOver(handoff)) {
        this.settle(handoff, false, failure);
      }
    }
    this.notes.forget(session.id);
  }

  private turnStarted(commandId: string): void {
    const handoff = this.byCommand(commandId);
    if (handoff?.state !== 'queued') return;
    this.change(handoff, { state: 'taken' });
    this.store.messages.setRead(handoff.id, true);
  }

  private turnEnded(
    session: Session,
    commandId: string,
    stopReason: string,
    error: string | undefined,
  ): void {
    const handoff = this.byCommand(commandId);
    if (handoff?.state !== 'taken') return;
    if (stopReason !== 'end_turn') {
      this.settle(handoff, false, error ?? session.reason ?? `Its turn ended: ${stopReason}.`);
    } else if (!this.hasOpenChild(handoff)) {
      this.settle(handoff, true, undefined);
    }
  }

  /** It is over: says so to whoever sent it, and settles the handoff that it was made for. */
  private settle(handoff: Handoff, isDone: boolean, reason: string | undefined): void {
    const state = isDone ? 'done' : 'failed';
    const result = this.report(handoff, isDone, reason);
    this.change(handoff, { state, resultMessageId: result, ...(isDone ? {} : { reason }) });
    this.store.messages.setRead(handoff.id, true);
    if (!isDone)
      this.needsPerson(handoff.to, FAILED, `Handoff ${handoff.id} failed: ${reason ?? ''}`);
    const source = this.sourceOf(handoff);
    if (!source) return;
    const isWaiting =
      source.state === 'routed' || (source.state === 'taken' && this.isTurnOver(source));
    if (isWaiting && !this.hasOpenChild(source)) {
      this.settleSource(source, handoff, isDone, reason, result);
    }
  }

  /** The source of a handoff that is over; the lead that was told already is not told again. */
  private settleSource(
    source: Handoff,
    child: Handoff,
    isDone: boolean,
    reason: string | undefined,
    told: number | undefined,
  ): void {
    const result = source.from === child.from ? told : this.report(source, isDone, reason, child);
    this.change(source, {
      state: isDone ? 'done' : 'failed',
      resultMessageId: result,
      ...(isDone ? {} : { reason }),
    });
    const next = this.sourceOf(source);
    if (next?.state === 'routed' && !this.hasOpenChild(next)) {
      this.settleSource(next, source, isDone, reason, result);
    }
  }

  /** Sends the result to the sender, if that is a session. @returns the message's id */
  private report(
    handoff: Handoff,
    isDone: boolean,
    reason: string | undefined,
    doneBy: Handoff = handoff,
  ): number | undefined {
    const { from } = handoff;
    if (!this.store.sessions.get(from)) return undefined;
    const { task } = this.taskOf(handoff);
    const { summary, filesChanged } = this.notes.of(doneBy.to);
    return this.store.messages.insert({
      from: doneBy.to,
      to: from,
      type: isDone ? 'completed' : 'response',
      content: encodeMessage(
        isDone
          ? { type: 'completed', summary: summary ?? `Done: ${firstLine(task)}`, filesChanged }
          : { type: 'response', answer: `Failed: ${firstLine(task)}. ${reason ?? ''}`.trim() },
      ),
      timestamp: this.clock(),
    });
  }

  /** The session it was made for could not be started: the work goes back, one attempt older. */
  private failedToStart(handoff: Handoff, why: string): void {
    const attempts = handoff.attempts + 1;
    const reason = `Failed to start: ${why}`;
    if (attempts >= MAX_ATTEMPTS || this.isOverdue(handoff)) {
      this.settle({ ...handoff, attempts }, false, reason);
      return;
    }
    const after = this.clock() + retryDelayMs(attempts);
    this.putOff.fire(after);
    const source = this.sourceOf(handoff);
    this.change(handoff, { state: 'failed', reason, attempts });
    this.store.messages.setRead(handoff.id, true);
    if (source) {
      const back = this.requeue(source, { attempts, after, reason });
      if (!this.isActiveId(source.to)) this.giveBack(back, `Session ${source.to} has ended.`);
    } else {
      this.replace({ ...handoff, attempts, reason, state: 'failed' }, 'failed', reason, after);
    }
  }

  /** The receiver will not do it: the work goes back to whoever sent it, or up its line. */
  private giveBack(handoff: Handoff, why: string): void {
    const source = this.sourceOf(handoff);
    if (!source) {
      this.replace(handoff, 'withdrawn', why, handoff.after);
      return;
    }
    this.change(handoff, { state: 'withdrawn', reason: why });
    this.store.messages.setRead(handoff.id, true);
    const back = this.requeue(source, { reason: why });
    if (!this.isActiveId(source.to)) this.giveBack(back, `Session ${source.to} has ended.`);
  }

  /** Ends a handoff that has no source in favour of a new one, which becomes its source. */
  private replace(
    handoff: Handoff,
    state: 'withdrawn' | 'failed',
    why: string,
    after: number | undefined,
  ): void {
    const to = this.firstActiveUp(handoff.from, handoff.to);
    if (to === undefined) {
      this.change(handoff, { state: 'stranded', reason: why });
      this.store.messages.setRead(handoff.id, false);
      this.needsPerson(handoff.to, STRANDED, this.strandedText(handoff));
      return;
    }
    const { from, attempts, deadline } = handoff;
    const reason = why;
    const replacement = this.queue({
      ...this.taskOf(handoff),
      from,
      to,
      purpose: 'team',
      attempts,
      deadline,
      after,
      reason,
    });
    this.change(handoff, { state, reason: why, attempts, originId: replacement.id });
    this.store.messages.setRead(handoff.id, true);
  }

  private requeue(source: Handoff, patch: Partial<Handoff>): Handoff {
    this.store.messages.setRead(source.id, false);
    return this.change(source, { state: 'queued', ...patch });
  }

  /** The first session that has not ended: `start`, or whoever handed over to it, and so on. */
  private firstActiveUp(start: string, not: string): string | undefined {
    const seen = new Set<string>();
    for (
      let id: string | undefined = start;
      id !== undefined && !seen.has(id);
      id = this.store.handoffs.parentOf(id)
    ) {
      if (id !== not && this.isActiveId(id)) return id;
      seen.add(id);
    }
    return undefined;
  }

  private isActiveId(id: string): boolean {
    const session = id === PERSON ? undefined : this.store.sessions.get(id);
    return session !== undefined && isActive(session.state);
  }

  /**
   * The handoff that holds the work of one that was given up, or that ended it: perhaps itself.
   * @returns undefined when a person took the work back
   */
  private holderOf(handoff: Handoff): Handoff | undefined {
    // Each is made for the next one, or was given up in its favour: it ends with what is newest.
    let source = this.sourceOf(handoff);
    if (!source) return handoff;
    for (; source; source = this.sourceOf(source)) {
      const { id, state } = source;
      if (state === 'queued' || state === 'stranded') return source;
      // What is older was given up in favour of the source, not made for it.
      const latest = this.store.handoffs.madeFor(id).find((it) => it.id > id);
      if (state !== 'withdrawn') return latest ?? source;
    }
    return undefined;
  }

  private hasOpenChild(handoff: Handoff): boolean {
    return this.store.handoffs
      .madeFor(handoff.id)
      .some(({ state }) => state === 'queued' || state === 'taken' || state === 'routed');
  }

  private isOverdue({ state, deadline }: Handoff): boolean {
    return state === 'queued' && deadline !== undefined && deadline <= this.clock();
  }

  private isTurnOver(handoff: Handoff): boolean {
    return this.store.turns.ofHandoff(handoff.to, handoff.id)?.endedAt !== undefined;
  }

  private byCommand(commandId: string): Handoff | undefined {
    const id = handoffIdOf(commandId);
    return id === undefined ? undefined : this.store.handoffs.get(id);
  }

  private initialHandoff({ initialHandoffId }: Session): Handoff | undefined {
    return initialHandoffId === undefined ? undefined : this.store.handoffs.get(initialHandoffId);
  }

  private sourceOf({ originId }: Handoff): Handoff | undefined {
    return originId === undefined ? undefined : this.store.handoffs.get(originId);
  }

  private strandedText(handoff: Handoff): string {
    return `Handoff ${handoff.id} has nobody left to do it: ${firstLine(this.taskOf(handoff).task)}`;
  }

  private needsPerson(sessionId: string, kind: string, text: string): void {
    this.store.attention.insert({ sessionId, kind, text, createdAt: this.clock() });
  }

  private change(handoff: Handoff, patch: Partial<Handoff>): Handoff {
    const changed = { ...handoff, ...patch };
    this.store.handoffs.update(changed);
    return changed;
  }
}

/** Kinds of {@link NewAttentionItem}. */
const FAILED = 'handoff-failed';
const STRANDED = 'handoff-stranded';

const OVERDUE = 'Its deadline has passed.';

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
