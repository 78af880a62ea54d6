import type { Clock } from '../domain/clock';
import { handoffIdOf, type Handoff, type HandoffPurpose } from '../domain/handoff';
import { encodeMessage, PERSON, taskOf, type HandoffTask } from '../domain/message';
import { isActive } from '../domain/session';
import type { StateStore } from '../session/ports';

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

/** Kinds of {@link NewAttentionItem} that handoffs bring up. */
export const FAILED = 'handoff-failed';
export const STRANDED = 'handoff-stranded';

/**
 * The handoffs as they hang together: each may have been made for another one, its source. Writes must
 * be made inside a transaction.
 */
export class HandoffChain {
  constructor(
    readonly store: StateStore,
    readonly clock: Clock,
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

  /** Changes a record. @returns what it is now */
  change(handoff: Handoff, patch: Partial<Handoff>): Handoff {
    const changed = { ...handoff, ...patch };
    this.store.handoffs.update(changed);
    return changed;
  }

  /** Changes a record that nobody has to read any more. @returns what it is now */
  close(handoff: Handoff, patch: Partial<Handoff>): Handoff {
    this.store.messages.setRead(handoff.id, true);
    return this.change(handoff, patch);
  }

  /** The handoff that one was made for, or given up in favour of. */
  sourceOf({ originId }: Handoff): Handoff | undefined {
    return originId === undefined ? undefined : this.store.handoffs.get(originId);
  }

  /** The handoff that a command was sent for. */
  byCommand(commandId: string): Handoff | undefined {
    const id = handoffIdOf(commandId);
    return id === undefined ? undefined : this.store.handoffs.get(id);
  }

  /**
   * The handoff that holds the work of one that was given up, or that ended it: perhaps itself.
   * @returns undefined when a person took the work back
   */
  holderOf(handoff: Handoff): Handoff | undefined {
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

  /** True while a handoff that was made for it is not over. */
  hasOpenChild(handoff: Handoff): boolean {
    return this.store.handoffs
      .madeFor(handoff.id)
      .some(({ state }) => state === 'queued' || state === 'taken' || state === 'routed');
  }

  /** True when its agent's turn on it has ended, however. */
  isTurnOver(handoff: Handoff): boolean {
    return this.store.turns.ofHandoff(handoff.to, handoff.id)?.endedAt !== undefined;
  }

  /** True when it still waits though its deadline has passed. */
  isOverdue({ state, deadline }: Handoff): boolean {
    return state === 'queued' && deadline !== undefined && deadline <= this.clock();
  }

  /** True for a session that is pending, running or idle. */
  isActiveId(id: string): boolean {
    const session = id === PERSON ? undefined : this.store.sessions.get(id);
    return session !== undefined && isActive(session.state);
  }

  /** Puts something on the list of what a person should look at. */
  needsPerson(sessionId: string, kind: string, text: string): void {
    this.store.attention.insert({ sessionId, kind, text, createdAt: this.clock() });
  }
}

/** The first line of a text. */
export function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
