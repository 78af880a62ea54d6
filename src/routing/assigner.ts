import { UserError } from '../base/errors';
import { takesMoreTurns } from '../domain/agent';
import type { Handoff } from '../domain/handoff';
import { checkMessage, type HandoffTask, type Priority } from '../domain/message';
import { isActive, type Session } from '../domain/session';
import { EmptyTextError } from '../session/errors';
import { requireSession } from '../session/lookup';
import { freshSessionId, makePendingSession } from '../session/newSession';
import {
  decide,
  type AssignmentAction,
  type Candidate,
  type Decision,
  type RoutedDecision,
} from './decide';
import { SessionEndedError } from './errors';
import type { RoutingParts } from './parts';

/** A task for a lead's team. */
export interface Assignment {
  readonly leadId: string;
  readonly task: string;
  /** Default: none. */
  readonly context?: string;
  /** Default: normal. */
  readonly priority?: Priority;
  /** Default: the lead's. */
  readonly agentType?: string | undefined;
}

/** What became of a task. */
export interface AssignmentOutcome {
  readonly action: AssignmentAction;
  /** Who has it: the delegate, or the lead in whose inbox it waits. */
  readonly sessionId: string;
  /** The handoff that holds it. */
  readonly handoffId: number;
  /** Why routing decided so. */
  readonly why: string;
  /** What a person should know, a sentence each. */
  readonly warnings: readonly string[];
}

/** What would become of a task, see {@link Assigner.preview}. */
export interface AssignmentPreview {
  readonly decision: Decision;
  readonly agentType: string;
  readonly lead: Session;
  /** The team as the decision saw it. */
  readonly candidates: readonly Candidate[];
  readonly capacity: number;
  /** Why a delegate could not be made if one were needed; undefined when it could. */
  readonly problem: string | undefined;
  readonly warnings: readonly string[];
}

/** Where a new delegate works. */
interface Place {
  readonly workingDir: string;
  /** Top folder of the checkout that its worktree is made from; undefined: no repository, no worktree. */
  readonly repository: string | undefined;
}

/**
 * Routes single tasks to a lead's team. The decision and all that it changes are one transaction: two
 * assignments at once cannot both take the last place.
 */
export class Assigner {
  constructor(private readonly parts: RoutingParts) {}

  /**
   * Hands a task to a lead's team. When nobody can have it now, it waits in the lead's inbox.
   * @throws {UserError} naming what is wrong; nothing was changed then
   */
  async assign(wanted: Assignment): Promise<AssignmentOutcome> {
    const { book } = this.parts;
    const { lead, work } = this.check(wanted);
    const agentType = work.agentType ?? lead.agentType;
    const outcome = await this.route(lead.id, agentType, undefined, (now, decision, place) => {
      if (decision.action !== 'deferred_saturated') {
        return this.handOver(now, agentType, work, decision, place, {});
      }
      const { why } = decision;
      const { id } = book.queue({
        ...work,
        from: now.id,
        to: now.id,
        purpose: 'team',
        reason: why,
      });
      this.record(`${now.id}: deferred, as handoff ${id} in its inbox: ${why}`);
      return { action: decision.action, sessionId: now.id, handoffId: id, why, warnings: [] };
    });
    const warnings = outcome.action === 'spawned' ? await this.warningsFor(lead) : [];
    return { ...outcome, warnings };
  }

  /**
   * Routes a `team` handoff that waits in a lead's inbox. When nobody can have it now, nothing changes.
   * @throws {UserError} naming what is wrong; nothing was changed then
   */
  async assignQueued(source: Handoff): Promise<AssignmentOutcome> {
    const { store, book } = this.parts;
    const work = this.workOf(source);
    const agentType = work.agentType ?? this.activeLead(source.to).agentType;
    return this.route(source.to, agentType, undefined, (lead, decision, place) => {
      const now = store.handoffs.get(source.id);
      if (now?.state !== 'queued') {
        throw new UserError(`Handoff ${source.id} is ${now?.state ?? 'gone'} meanwhile.`);
      }
      if (decision.action === 'deferred_saturated') {
        const { action, why } = decision;
        return { action, sessionId: lead.id, handoffId: now.id, why, warnings: [] };
      }
      const { attempts, deadline } = now;
      const inherited = { originId: now.id, attempts, deadline };
      const made = this.handOver(lead, agentType, work, decision, place, inherited);
      book.passedOn(now, `To ${made.sessionId}: ${made.why}`);
      return made;
    });
  }

  /**
   * Moves a handoff that waits for a delegate to one of its lead's team that is idle, or new.
   * @param isMovable asked in the transaction: it may be on its way to its agent by then
   * @returns undefined when there is none now; nothing has changed then
   * @throws {UserError} naming what is wrong; nothing was changed then
   */
  async move(handoff: Handoff, isMovable: () => boolean): Promise<AssignmentOutcome | undefined> {
    const { store, book } = this.parts;
    const work = this.workOf(handoff);
    const agentType = requireSession(store, handoff.to).agentType;
    return this.route(handoff.from, agentType, handoff.to, (lead, decision, place) => {
      const now = store.handoffs.get(handoff.id);
      const isBetter = decision.action === 'reused_idle' || decision.action === 'spawned';
      if (now?.state !== 'queued' || !isBetter || !isMovable()) return undefined;
      const { attempts, deadline, originId } = now;
      const inherited = { originId, attempts, deadline };
      const made = this.handOver(lead, agentType, work, decision, place, inherited);
      book.withdraw(now, `Moved to ${made.sessionId}, as handoff ${made.handoffId}: ${made.why}`);
      return made;
    });
  }

  /**
   * Makes a new session for a task from an existing one, whatever its team looks like.
   * @param fromId may have ended: its branch is where the new one begins
   * @throws {UserError} naming what is wrong; nothing was changed then
   */
  async delegate(
    fromId: string,
    { task: text, context = '', priority = 'normal', agentType }: Omit<Assignment, 'leadId'>,
  ): Promise<AssignmentOutcome> {
    const { store, team } = this.parts;
    const task = text.trim();
    if (task === '') throw new EmptyTextError('task');
    const lead = requireSession(store, fromId);
    const type = agentType ?? lead.agentType;
    const place = await this.placeFor(lead, type);
    const decision = { action: 'spawned', why: 'a person asked for a new delegate' } as const;
    const work = { task, context, priority, agentType };
    checkMessage({ type: 'task_handoff', ...work });
    const outcome = store.mutate(() =>
      this.handOver(requireSession(store, fromId), type, work, decision, place, {}),
    );
    void team.startSoon(outcome.sessionId);
    return { ...outcome, warnings: await this.warningsFor(lead) };
  }

  /**
   * What {@link assign} would do now, and why, without doing it.
   * @throws {UserError} as {@link assign} for a task, lead or agent that makes no sense
   */
  async preview(wanted: Assignment): Promise<AssignmentPreview> {
    const { lead, work } = this.check(wanted);
    const agentType = work.agentType ?? lead.agentType;
    const decision = this.decisionFor(lead, agentType);
    let problem: string | undefined;
    try {
      if (decision.action === 'spawned') await this.placeFor(lead, agentType);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problem = error.message;
    }
    return {
      decision,
      agentType,
      lead,
      candidates: this.candidates(lead, agentType),
      capacity: this.capacity(),
      problem,
      warnings: decision.action === 'spawned' ? await this.warningsFor(lead) : [],
    };
  }

  /**
   * The decision for a task of a lead's team as it is now.
   * @param exceptId a delegate that has its place in the team but is not to get the task
   */
  decisionFor(lead: Session, agentType: string, exceptId?: string): Decision {
    const team = this.candidates(lead, agentType);
    return decide(
      team.map((it) => (it.id === exceptId ? { ...it, canTakeTurn: false } : it)),
      this.capacity(),
    );
  }

  /** The delegates of a lead as a decision sees them. */
  candidates(lead: Session, agentType: string): readonly Candidate[] {
    const definition = this.parts.agents.definitions().find(({ name }) => name === agentType);
    // The agent of a type that a setting has taken away since can still be there.
    const canGoOn = definition === undefined || takesMoreTurns(definition);
    return this.parts.store.sessions.delegatesOf(lead.id, agentType).map((row) => ({
      ...row,
      // Nobody knows whether it would get the prompt: it counts, but is given nothing.
      canTakeTurn: canGoOn && row.presence !== 'unknown',
    }));
  }

  capacity(): number {
    return this.parts.limits().maxDelegatesPerLead;
  }

  private check(wanted: Assignment): { lead: Session; work: HandoffTask } {
    const task = wanted.task.trim();
    if (task === '') throw new EmptyTextError('task');
    const lead = this.activeLead(wanted.leadId);
    const { context = '', priority = 'normal', agentType } = wanted;
    const work = { task, context, priority, agentType };
    checkMessage({ type: 'task_handoff', ...work });
    return { lead, work };
  }

  /** @throws {EmptyTextError} when its message says nothing, or is gone: an agent would wait for ever */
  private workOf(handoff: Handoff): HandoffTask {
    const work = this.parts.book.taskOf(handoff);
    if (work.task.trim() === '') throw new EmptyTextError('task');
    return work;
  }

  private activeLead(id: string): Session {
    const lead = requireSession(this.parts.store, id);
    if (isActive(lead.state)) return lead;
    throw new SessionEndedError(lead, 'A lead that has ended takes no tasks');
  }

  /**
   * Decides and acts in one transaction. When a delegate is to be made, where it would work has to be
   * found out first, outside of it: then it decides anew, for the team may have changed meanwhile.
   * @param act called in the transaction with what was decided there
   */
  private async route<T extends AssignmentOutcome | undefined>(
    leadId: string,
    agentType: string,
    exceptId: string | undefined,
    act: (lead: Session, decision: Decision, place: Place | undefined) => T,
  ): Promise<T> {
    let place: Place | undefined;
    for (;;) {
      const result = this.parts.store.mutate((): { readonly outcome: T } | undefined => {
        const lead = this.activeLead(leadId);
        const decision = this.decisionFor(lead, agentType, exceptId);
        if (decision.action === 'spawned' && !place) return undefined;
        return { outcome: act(lead, decision, place) };
      });
      if (!result) {
        place = await this.placeFor(this.activeLead(leadId), agentType);
        continue;
      }
      const { outcome } = result;
      if (outcome?.action === 'spawned') void this.parts.team.startSoon(outcome.sessionId);
      return outcome;
    }
  }

  /** Inside a transaction: the delegate, when it has to be made, and its handoff. */
  private handOver(
    lead: Session,
    agentType: string,
    work: HandoffTask,
    decision: RoutedDecision,
    place: Place | undefined,
    inherited: Pick<Partial<Handoff>, 'originId' | 'attempts' | 'deadline'>,
  ): AssignmentOutcome {
    const { store, book, clock } = this.parts;
    const sessionId =
      decision.action === 'spawned' ? freshSessionId(store.sessions) : decision.sessionId;
    const worker = store.sessions.get(sessionId);
    const handoff = book.queue({
      ...work,
      context: withRoutingLine(work.context, routingLine(lead, agentType, decision.why, worker)),
      agentType: work.agentType,
      from: lead.id,
      to: sessionId,
      purpose: 'self',
      reason: decision.why,
      originId: inherited.originId,
      attempts: inherited.attempts ?? 0,
      deadline: inherited.deadline,
    });
    if (decision.action === 'spawned') {
      const seed = {
        id: sessionId,
        task: work.task,
        agentType,
        role: 'worker',
        workingDir: place?.workingDir ?? lead.workingDir,
        repository: place?.repository,
        initialHandoffId: handoff.id,
      } as const;
      store.sessions.insert(makePendingSession(seed, clock()));
    }
    this.record(`${lead.id}: handoff ${handoff.id} to ${sessionId}: ${decision.why}`);
    return {
      action: decision.action,
      sessionId,
      handoffId: handoff.id,
      why: decision.why,
      warnings: [],
    };
  }

  /** Checks what a new delegate needs. @throws {UserError} naming what is missing */
  private async placeFor(lead: Session, agentType: string): Promise<Place> {
    const { workingDir } = lead;
    const { agents, git } = this.parts;
    await agents.resolve(agentType);
    if (lead.formerWorktree) {
      throw new UserError(
        `The worktree of session ${lead.id} was cleaned up, so nothing can be delegated from it. Its branch is ${lead.formerWorktree.branch}: check it out, and start a session there.`,
      );
    }
    // The tip of the lead's branch is where its delegates begin.
    if (lead.worktree) return { workingDir, repository: lead.worktree.path };
    if (lead.repository !== undefined) return { workingDir, repository: lead.repository };
    const found = await git.inspect(workingDir);
    switch (found.kind) {
      case 'repository':
        return { workingDir, repository: found.root };
      case 'none':
        return { workingDir, repository: undefined };
      case 'unusable':
        throw new UserError(`No worktree can be made for a delegate of ${lead.id}. ${found.why}`);
    }
  }

  private async warningsFor(lead: Session): Promise<string[]> {
    const folder = lead.worktree?.path ?? lead.workingDir;
    const count = await this.parts.git.countUncommittedFiles(folder).catch(() => 0);
    if (count === 0) return [];
    const files = count === 1 ? '1 file' : `${count} files`;
    return [
      `The lead has ${files} that it has not committed: the new delegate begins at its last commit and does not see them.`,
    ];
  }

  private record(detail: string): void {
    this.parts.store.activity.insert({ at: this.parts.clock(), kind: 'assign', detail });
  }
}

/** One line for the agent: who assigned it, where, and why to this one. */
function routingLine(
  lead: Session,
  agentType: string,
  why: string,
  worker: Session | undefined,
): string {
  const worktree = worker?.worktree;
  const facts = [
    `Assigned by ${lead.id}`,
    `agent ${agentType}`,
    `cwd ${worker?.workingDir ?? lead.workingDir}`,
    worktree && `branch ${worktree.branch} in ${worktree.path}`,
    why,
  ];
  return `[${facts.filter((fact) => fact !== undefined).join(' | ')}]`;
}

/** A task that was routed before has a line of that time, which no longer holds. */
function withRoutingLine(context: string, line: string): string {
  const kept = context.replace(/(^|\n)\[Assigned by [^\n]*\]$/, '').trimEnd();
  return kept === '' ? line : `${kept}\n${line}`;
}
