import { messageOf, UserError } from '../base/errors';
import type { Handoff } from '../domain/handoff';
import { isActive, type Session } from '../domain/session';
import { requireSession } from '../session/lookup';
import type { Assigner } from './assigner';
import { routesWork, type AssignmentAction, type Candidate } from './decide';
import { InvalidLimitError, SessionEndedError } from './errors';
import { mayBeGiven } from './mayBeGiven';
import type { RoutingParts } from './parts';

/** What became of one handoff of an inbox. */
export interface DrainOutcome {
  readonly handoffId: number;
  readonly task: string;
  /** Undefined when it failed: see `error`. */
  readonly action: AssignmentAction | undefined;
  /** Who has it now: a delegate, or still the lead. */
  readonly sessionId: string;
  /** Why it could not be routed, for a person. */
  readonly error: string | undefined;
}

/** What a pass did for one lead's inbox. */
export interface LeadDispatch {
  readonly leadId: string;
  /** Queued `team` handoffs before the pass. */
  readonly queued: number;
  readonly outcomes: readonly DrainOutcome[];
  /** Why the inbox as a whole could not be drained. */
  readonly error: string | undefined;
}

/** A handoff that was moved from one delegate to another. */
export interface Move {
  /** The handoff that was withdrawn. */
  readonly handoffId: number;
  readonly task: string;
  readonly fromSessionId: string;
  readonly sessionId: string;
  readonly action: AssignmentAction;
}

/** What a pass moved within one lead's team. */
export interface LeadRebalance {
  readonly leadId: string;
  readonly moves: readonly Move[];
  /** Why the pass ended early for this team. */
  readonly error: string | undefined;
}

/** How much waits, and whether anybody could take it. */
export interface Pressure {
  /** Sessions with queued handoffs, of either purpose. */
  readonly sessions: number;
  /** Those handoffs. */
  readonly handoffs: number;
  /** Sessions among them whose team has a clear idle delegate, or room for another one. */
  readonly absorbable: number;
  /** The other ones. */
  readonly saturated: number;
}

/** What a whole pass did. */
export interface Coordination {
  readonly dispatched: readonly LeadDispatch[];
  readonly rebalanced: readonly LeadRebalance[];
  readonly remaining: Pressure;
}

/** How many handoffs one rebalancing of a team moves at most. */
const REBALANCE_LIMIT = 5;

/** Passes over what waits. Each goes on past what fails, and says what failed and why. */
export class Backlog {
  constructor(
    private readonly parts: RoutingParts,
    private readonly assigner: Assigner,
  ) {}

  /**
   * Routes what waits in a lead's inbox for its team: priority first, then the oldest.
   * @param limit how many are decided about at most; default: all that wait now. What fails, or asks
   *   for a kind of agent of which there is no more, does not count
   * @returns one outcome per handoff, errors included
   * @throws {UserError} when there is no such lead, or it has ended
   */
  async drainInbox(leadId: string, limit = Infinity): Promise<readonly DrainOutcome[]> {
    checkLimit('handoffs', limit);
    const lead = requireSession(this.parts.store, leadId);
    if (!isActive(lead.state)) throw new SessionEndedError(lead, 'Its inbox cannot be drained');
    const outcomes: DrainOutcome[] = [];
    if (limit === 0) return outcomes;
    // Whoever has no place for one task has none for the next, as long as nothing changes: a long inbox
    // of a team that is full is not decided about again and again.
    const full = new Set<string>();
    const subscription = this.parts.store.onDidChange(() => full.clear());
    try {
      let decided = 0;
      for (const handoff of this.ready(leadId)) {
        if (decided >= limit) break;
        const wasFull = full.size;
        const outcome = await this.drainOne(lead, handoff, full);
        // What fails, or is of a kind that is full, must not keep what is behind it from its turn.
        const isSkipped =
          outcome.action === undefined || (!routesWork(outcome.action) && full.size === wasFull);
        if (!isSkipped) decided++;
        if (!isSkipped || outcomes.length < limit) outcomes.push(outcome);
      }
    } finally {
      subscription.dispose();
    }
    return outcomes;
  }

  /**
   * Drains the inboxes with the most `team` handoffs.
   * @param leadLimit how many leads at most
   */
  async autoDispatch(leadLimit: number): Promise<readonly LeadDispatch[]> {
    checkLimit('leads', leadLimit);
    const dispatched: LeadDispatch[] = [];
    for (const { sessionId, count } of this.parts.store.handoffs.backlog(toSql(leadLimit))) {
      dispatched.push(await this.dispatch(sessionId, count));
    }
    return dispatched;
  }

  /**
   * Drains one lead's inbox as far as one pass may go.
   * @param queued how many `team` handoffs are in it
   */
  async dispatch(leadId: string, queued: number): Promise<LeadDispatch> {
    const { autoDispatchLimitPerSession } = this.parts.limits();
    try {
      const outcomes = await this.drainInbox(leadId, autoDispatchLimitPerSession);
      return { leadId, queued, outcomes, error: undefined };
    } catch (problem) {
      return { leadId, queued, outcomes: [], error: this.explain(problem) };
    }
  }

  /**
   * Moves handoffs that wait behind others to delegates of the same team that are idle, or new.
   * @param limit how many at most; default 5
   * @throws {UserError} when there is no such lead, or it has ended
   */
  async rebalanceTeam(leadId: string, limit = REBALANCE_LIMIT): Promise<readonly Move[]> {
    checkLimit('handoffs', limit);
    const { store } = this.parts;
    const lead = requireSession(store, leadId);
    if (!isActive(lead.state)) throw new SessionEndedError(lead, 'Its team cannot be rebalanced');
    const moves: Move[] = [];
    const crowded = store.sessions.delegatesOf(leadId, undefined).filter((it) => it.load > 1);
    crowded.sort((a, b) => b.load - a.load || (a.id < b.id ? -1 : 1));
    for (const { id, load } of crowded) {
      await this.relieve(lead, id, load, limit, moves);
    }
    return moves;
  }

  /** {@link rebalanceTeam} for the active sessions that changed last. */
  async rebalanceAll(leadLimit: number): Promise<readonly LeadRebalance[]> {
    checkLimit('leads', leadLimit);
    const { sessions, handoffs } = this.parts.store;
    const rebalanced: LeadRebalance[] = [];
    // Only what a lead has sent itself can be moved: most sessions need no look at all.
    const crowding = handoffs.crowdingSenders();
    for (const leadId of sessions.activeIds(toSql(leadLimit))) {
      if (!crowding.has(leadId)) continue;
      try {
        const moves = await this.rebalanceTeam(leadId);
        if (moves.length > 0) rebalanced.push({ leadId, moves, error: undefined });
      } catch (problem) {
        rebalanced.push({ leadId, moves: [], error: this.explain(problem) });
      }
    }
    return rebalanced;
  }

  /** {@link autoDispatch}, then {@link rebalanceAll}, then a look at what remains. */
  async coordinate(leadLimit: number): Promise<Coordination> {
    const dispatched = await this.autoDispatch(leadLimit);
    const rebalanced = await this.rebalanceAll(leadLimit);
    return { dispatched, rebalanced, remaining: this.pressure() };
  }

  /** How much waits now. */
  pressure(): Pressure {
    const { handoffs, sessions } = this.parts.store;
    const counts = new Map(handoffs.queuedCounts('self'));
    for (const [id, count] of handoffs.queuedCounts('team')) {
      counts.set(id, (counts.get(id) ?? 0) + count);
    }
    let absorbable = 0;
    let total = 0;
    for (const [id, count] of counts) {
      total += count;
      const session = sessions.get(id);
      if (session && this.canAbsorb(session)) absorbable++;
    }
    return {
      sessions: counts.size,
      handoffs: total,
      absorbable,
      saturated: counts.size - absorbable,
    };
  }

  /** @param full agent types for which the team has no place now; one more when that is found out */
  private async drainOne(
    lead: Session,
    handoff: Handoff,
    full: Set<string>,
  ): Promise<DrainOutcome> {
    const { task, agentType = lead.agentType } = this.parts.book.taskOf(handoff);
    const base = { handoffId: handoff.id, task };
    if (full.has(agentType)) {
      return { ...base, action: 'deferred_saturated', sessionId: lead.id, error: undefined };
    }
    try {
      const { action, sessionId } = await this.assigner.assignQueued(handoff);
      if (!routesWork(action)) full.add(agentType);
      return { ...base, action, sessionId, error: undefined };
    } catch (error) {
      return { ...base, action: undefined, sessionId: handoff.to, error: this.explain(error) };
    }
  }

  /** Those that may be routed now; what is past its deadline is not asked for any more. */
  private ready(leadId: string): readonly Handoff[] {
    const { store, book, clock } = this.parts;
    const now = clock();
    const isOver = ({ deadline }: Handoff): boolean => deadline !== undefined && deadline <= now;
    const queued = store.handoffs.queued(leadId, 'team');
    for (const handoff of queued.filter(isOver)) store.mutate(() => book.expired(handoff));
    return queued.filter((handoff) => !isOver(handoff) && (handoff.after ?? 0) <= now);
  }

  private async relieve(
    lead: Session,
    delegateId: string,
    load: number,
    limit: number,
    moves: Move[],
  ): Promise<void> {
    const { store, book } = this.parts;
    let left = load;
    for (const handoff of store.handoffs.queuedFrom(lead.id, delegateId)) {
      if (left <= 1 || moves.length >= limit) return;
      if (!this.isMovable(handoff)) continue;
      const made = await this.assigner.move(handoff, () => this.isMovable(handoff));
      if (!made) return;
      left--;
      moves.push({
        handoffId: handoff.id,
        task: book.taskOf(handoff).task,
        fromSessionId: delegateId,
        sessionId: made.sessionId,
        action: made.action,
      });
    }
  }

  /** What may already be on its way to its agent, or a pending session was made for, stays. */
  private isMovable(handoff: Handoff): boolean {
    const session = this.parts.store.sessions.get(handoff.to);
    return session?.initialHandoffId !== handoff.id && !mayBeGiven(this.parts, handoff);
  }

  private canAbsorb(session: Session): boolean {
    if (!isActive(session.state)) return false;
    const team: readonly Candidate[] = this.assigner.candidates(session, session.agentType);
    const isClear = (it: Candidate): boolean =>
      it.canTakeTurn && it.state === 'idle' && it.load === 0;
    return team.some(isClear) || team.length < this.assigner.capacity();
  }

  private explain(error: unknown): string {
    if (!(error instanceof UserError)) this.parts.log.error('a routing pass met an error', error);
    return messageOf(error);
  }
}

/** True when at least one handoff of an inbox found somebody. */
export function hasRouted({ outcomes }: LeadDispatch): boolean {
  return outcomes.some(({ action }) => action !== undefined && routesWork(action));
}

function checkLimit(what: string, limit: number): void {
  if (limit === Infinity || (Number.isInteger(limit) && limit >= 0)) return;
  throw new InvalidLimitError(what, limit);
}

/** SQLite takes -1 for no limit. */
function toSql(limit: number): number {
  return limit === Infinity ? -1 : limit;
}
