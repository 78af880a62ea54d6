import type { Clock } from '../src/domain/clock';
import type { Handoff } from '../src/domain/handoff';
import { isActive, type Session } from '../src/domain/session';
import type { Pressure } from '../src/routing/backlog';
import {
  decide,
  type AssignmentAction,
  type Candidate,
  type Decision,
} from '../src/routing/decide';
import type { HandoffBook } from '../src/routing/handoffBook';
import { freshSessionId, makePendingSession } from '../src/session/newSession';
import type { StateStore } from '../src/session/ports';

/** How often a pass did what, and what it left. */
export interface Tally {
  readonly actions: Readonly<Partial<Record<AssignmentAction | 'moved', number>>>;
  readonly remaining: Pressure;
}

/** What it keeps to; `Infinity` where all are meant. */
export interface Bounds {
  readonly capacity: number;
  /** Handoffs that are routed per inbox. */
  readonly perLead: number;
  /** Handoffs that are moved per team. */
  readonly moves: number;
}

/**
 * A coordination pass as one writes it first: each look-up reads all sessions and all counts, and picks
 * out what it needs. It decides by the same rules and writes the same rows, so that only the look-ups
 * make the difference.
 */
export class Straightforward {
  private readonly actions: Partial<Record<AssignmentAction | 'moved', number>> = {};

  constructor(
    private readonly store: StateStore,
    private readonly book: HandoffBook,
    private readonly bounds: Bounds,
    private readonly clock: Clock,
  ) {}

  /** Drains all inboxes, evens out all teams, and looks at what remains. */
  coordinate(): Tally {
    const { store } = this;
    const inboxes = [...store.handoffs.queuedCounts('team')].sort(([, a], [, b]) => b - a);
    for (const [lead] of inboxes) this.drain(lead);
    const active = store.sessions.list().filter(({ state }) => isActive(state));
    for (const { id } of active) this.rebalance(id);
    return { actions: this.actions, remaining: this.pressure() };
  }

  private drain(leadId: string): void {
    for (const handoff of this.store.handoffs
      .queued(leadId, 'team')
      .slice(0, this.bounds.perLead)) {
      const lead = this.session(leadId);
      const decision = this.decisionFor(lead);
      this.count(decision.action);
      if (decision.action === 'deferred_saturated') continue;
      this.store.mutate(() => {
        const to = this.handOver(lead, handoff, decision, handoff.id);
        this.book.passedOn(handoff, `To ${to}: ${decision.why}`);
      });
    }
  }

  private rebalance(leadId: string): void {
    const lead = this.session(leadId);
    let moves = 0;
    for (const { id, load } of this.delegates(lead).filter((it) => it.load > 1)) {
      let left = load;
      for (const handoff of this.store.handoffs.queuedFrom(leadId, id)) {
        if (left <= 1 || moves >= this.bounds.moves) break;
        const decision = this.decisionFor(lead, id);
        if (decision.action !== 'reused_idle' && decision.action !== 'spawned') break;
        this.store.mutate(() => {
          const to = this.handOver(lead, handoff, decision, handoff.originId);
          this.book.withdraw(handoff, `Moved to ${to}: ${decision.why}`);
        });
        left--;
        moves++;
        this.count('moved');
      }
    }
  }

  private pressure(): Pressure {
    const counts = new Map(this.store.handoffs.queuedCounts('self'));
    for (const [id, count] of this.store.handoffs.queuedCounts('team')) {
      counts.set(id, (counts.get(id) ?? 0) + count);
    }
    const absorbable = [...counts.keys()].filter((id) => {
      const team = this.delegates(this.session(id));
      const isClear = (it: Candidate): boolean => it.state === 'idle' && it.load === 0;
      return team.some(isClear) || team.length < this.bounds.capacity;
    }).length;
    const handoffs = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const sessions = counts.size;
    return { sessions, handoffs, absorbable, saturated: sessions - absorbable };
  }

  private decisionFor(lead: Session, exceptId?: string): Decision {
    const team = this.delegates(lead);
    const others = team.filter(({ id }) => id !== exceptId);
    return decide(others, this.bounds.capacity - (team.length - others.length));
  }

  /** Inside a transaction. @returns who has it */
  private handOver(
    lead: Session,
    handoff: Handoff,
    decision: Exclude<Decision, { readonly action: 'deferred_saturated' }>,
    originId: number | undefined,
  ): string {
    const { store, book } = this;
    const work = book.taskOf(handoff);
    const to = decision.action === 'spawned' ? freshSessionId(store.sessions) : decision.sessionId;
    const made = book.queue({
      ...work,
      context: `${work.context}\n[Assigned by ${lead.id} | ${decision.why}]`,
      from: lead.id,
      to,
      purpose: 'self',
      reason: decision.why,
      originId,
    });
    if (decision.action === 'spawned') {
      const { agentType, workingDir, repository } = lead;
      const seed = { id: to, task: work.task, agentType, workingDir, repository } as const;
      const role = 'worker';
      store.sessions.insert(
        makePendingSession({ ...seed, role, initialHandoffId: made.id }, this.clock()),
      );
    }
    const detail = `${lead.id}: handoff ${made.id} to ${to}: ${decision.why}`;
    store.activity.insert({ at: this.clock(), kind: 'assign', detail });
    return to;
  }

  private delegates(lead: Session): Candidate[] {
    const children = new Set(this.store.handoffs.childrenOf(lead.id, -1));
    const loads = this.store.handoffs.queuedCounts('self');
    return this.store.sessions
      .list()
      .filter(
        ({ id, agentType, state }) =>
          children.has(id) && agentType === lead.agentType && isActive(state),
      )
      .map((it) => ({
        ...it,
        load: loads.get(it.id) ?? 0,
        canTakeTurn: it.presence !== 'unknown',
      }));
  }

  private session(id: string): Session {
    const found = this.store.sessions.list().find((it) => it.id === id);
    if (!found) throw new Error(`There is no session ${id}.`);
    return found;
  }

  private count(action: AssignmentAction | 'moved'): void {
    this.actions[action] = (this.actions[action] ?? 0) + 1;
  }
}
