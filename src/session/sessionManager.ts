import { randomUUID } from 'node:crypto';
import { KeyedQueue, within } from '../base/async';
import { DisposableStore } from '../base/disposable';
import { UserError } from '../base/errors';
import { isActive, type Session, type SessionRole } from '../domain/session';
import type { SessionStatus, TeamStatus } from '../domain/status';
import { EmptyTextError, RunnerUnreachableError, WrongStateError } from './errors';
import type { AppliedEvents } from './eventIntake';
import { requireSession, resolveSession, statusOf, updateSession } from './lookup';
import { readOverview, type Overview, type OverviewSource } from './overview';
import type { EventTail, FirstPrompt, SessionParts, StateStore } from './ports';
import { Retirement } from './retirement';
import { SessionEnder } from './sessionEnder';
import { SessionStarter, type CreatedSession, type NewSession } from './sessionStarter';
import { Supervisor } from './supervisor';
import { stopTeam } from './stopTeam';
import { subtreeOf, teamStatusOf } from './team';
import { TurnSlots } from './turnSlots';

/** No limit, for a query. */
const ALL = -1;

/** See `SessionParts.patienceMs`. */
const PATIENCE_MS = 20_000;

/** Time for what is under way when the window closes, in milliseconds. */
const CLOSE_MS = 3_000;

/**
 * The life of sessions: created, prompted, finished, stopped, resumed, removed, and found again after a
 * reload.
 */
export class SessionManager implements OverviewSource {
  private readonly supervisor: Supervisor;
  private readonly starter: SessionStarter;
  private readonly ender: SessionEnder;
  private readonly retirement: Retirement;
  /** What goes on at the same time, against the limits; shared with the delivery of handoffs. */
  readonly slots: TurnSlots;
  /** Calls for one session run in the order they came. */
  private readonly queue = new KeyedQueue();
  private readonly disposables = new DisposableStore();

  constructor(private readonly parts: SessionParts) {
    this.slots = new TurnSlots(parts.store, parts.limits);
    this.supervisor = new Supervisor(parts);
    this.starter = new SessionStarter(parts, this.supervisor, this.queue, this.slots);
    this.ender = new SessionEnder(parts, this.supervisor, this.starter);
    this.retirement = new Retirement(parts, this.ender);
    this.disposables.add(this.starter);
    this.disposables.add(this.supervisor);
    this.disposables.add(this.supervisor.onDidApply((applied) => this.afterEvents(applied)));
    this.disposables.add(this.supervisor.onDidFollow((id) => this.endIfLeftover(id)));
  }

  /** See {@link Supervisor.onDidApply}. */
  get onDidApply(): Supervisor['onDidApply'] {
    return this.supervisor.onDidApply;
  }

  /** See {@link Supervisor.onDidFollow}. */
  get onDidFollow(): Supervisor['onDidFollow'] {
    return this.supervisor.onDidFollow;
  }

  /** Fires with the ids of sessions whose record, messages or handoffs have changed. */
  get onDidChange(): StateStore['onDidChange'] {
    return this.parts.store.onDidChange;
  }

  /** See {@link SessionStarter.create}. */
  create(wanted: NewSession): Promise<CreatedSession> {
    return this.starter.create(wanted);
  }

  /** See {@link SessionStarter.startSoon}. */
  startSoon(id: string): Promise<void> {
    return this.starter.startSoon(id);
  }

  /**
   * Gives an idle session its next turn.
   * @throws {WrongStateError} unless the session is idle
   */
  async sendPrompt(id: string, text: string): Promise<void> {
    const prompt = text.trim();
    if (prompt === '') throw new EmptyTextError('prompt');
    await this.queue.run(id, () => {
      const session = this.get(id);
      if (session.state !== 'idle') {
        throw new WrongStateError(
          session,
          'send a prompt to',
          session.state === 'running' || session.state === 'pending'
            ? 'Wait until its turn has ended.'
            : 'Resume it, or start a new session.',
        );
      }
      return this.prompt(session, { commandId: randomUUID(), text: prompt });
    });
  }

  /**
   * Gives a session a turn on its own work, when its turn comes and it is idle then.
   * @param next asked at that time; undefined when there is nothing to do any more
   * @returns whether a turn was begun
   * @throws {UserError} with the reason when its agent does not take it
   */
  async giveTurn(id: string, next: () => FirstPrompt | undefined): Promise<boolean> {
    return this.queue.run(id, async () => {
      const session = this.get(id);
      const prompt = session.state === 'idle' ? next() : undefined;
      if (!prompt) return false;
      await this.prompt(session, prompt);
      return true;
    });
  }

  /** Starts what waits for its start, because the limits have changed. */
  wake(): void {
    this.starter.wake();
  }

  /** True while what its agent does is seen here, so that it can be given work. */
  isFollowing(id: string): boolean {
    return this.supervisor.isFollowing(id);
  }

  /**
   * Ends an idle session as completed: its agent is ended, its worktree and branch stay.
   * @throws {WrongStateError} while a turn is under way, or when the session has not begun
   */
  async finish(id: string): Promise<void> {
    await this.queue.run(id, async () => {
      const session = this.get(id);
      if (session.state === 'completed') return;
      if (session.state !== 'idle') {
        const isBusy = session.state === 'running' || session.state === 'pending';
        throw new WrongStateError(
          session,
          'finish',
          isBusy ? 'Wait until it is idle, or stop it.' : 'It has already ended.',
        );
      }
      await this.ender.end(id, 'finish');
    });
  }

  /**
   * Stops a session with all of its processes. One that has ended stays as it is.
   * @param hasCleanup also removes its worktree; default false
   * @throws {WorktreeDirtyError} when work in the worktree would be lost; it is stopped all the same
   */
  async stop(id: string, hasCleanup = false): Promise<void> {
    await this.queue.run(id, async () => {
      if (isActive(this.get(id).state)) await this.ender.end(id, 'stop');
      if (hasCleanup) await this.retirement.cleanUpWorktree(id);
    });
  }

  /**
   * Stops a session and everything below it, level by level from the top: a lead that is stopped hands
   * out no more, not even what its delegates give back as they end.
   * @returns the ids of those that were stopped
   * @throws {TeamNotStoppedError} when some could not be; it goes on past them
   */
  async stopTeam(id: string): Promise<readonly string[]> {
    const root = this.get(id).id;
    for (const it of subtreeOf(this.parts.store, root)) {
      const why = new WrongStateError(this.get(it), 'start', 'It was stopped with its team.');
      this.starter.cancelStart(it, why);
    }
    try {
      return await stopTeam(this.parts.store, root, (it) => this.stop(it));
    } catch (error) {
      // What could not be stopped goes on as before.
      for (const it of subtreeOf(this.parts.store, root)) {
        if (this.parts.store.sessions.get(it)?.state === 'pending') void this.starter.startSoon(it);
      }
      throw error;
    }
  }

  /**
   * Ends a session whose agent has been silent for too long, as failed.
   * @param reason what a person reads
   */
  async timeOut(id: string, reason: string): Promise<void> {
    await this.queue.run(id, () => this.ender.fail(id, reason));
  }

  /**
   * Starts a session again that has failed or was stopped; pending and idle are as {@link Session}
   * says. Returns when it is pending.
   * @throws {UserError} when it is completed, running or idle, when its folder is gone, or when its
   *   task has gone to somebody else
   */
  async resume(id: string): Promise<void> {
    const isPending = await this.queue.run(id, () => this.retirement.resume(id));
    if (isPending) void this.starter.startSoon(id);
  }

  /**
   * Removes a session's worktree, after stopping whatever is alive in it. Its branch and base stay known.
   * @throws {WorktreeDirtyError} when work in it would be lost; nothing is removed then
   */
  async cleanUpWorktree(id: string): Promise<void> {
    await this.stop(id, true);
  }

  /**
   * Removes a session that has ended, with its worktree, its output and its messages. The lineage
   * still knows it.
   * @throws {WrongStateError} while it is active
   * @throws {WorktreeDirtyError} when work in its worktree would be lost; nothing is removed then
   */
  async delete(id: string): Promise<void> {
    await this.queue.run(id, () => this.retirement.delete(id));
  }

  /** Makes a session a lead or a worker. */
  switchRole(id: string, role: SessionRole): void {
    this.update(id, { role });
  }

  /** Answers a question of the session's agent. @throws {UserError} when it is no longer asked */
  async answer(id: string, requestId: string, optionId: string): Promise<void> {
    const isAsked = (it: Session): boolean => it.requests.some((r) => r.requestId === requestId);
    if (!isAsked(this.get(id))) {
      throw new UserError(`The agent of session ${id} no longer asks this.`);
    }
    const link = await this.supervisor.connect(id);
    if (!link) throw new UserError(`Session ${id} has no agent any more. ${this.reasonOf(id)}`);
    await link.answer(`answer:${requestId}`, requestId, optionId);
    await this.supervisor.until(id, (it) => !isAsked(it));
  }

  /** See {@link resolveSession}. */
  resolve(text: string): Session {
    return resolveSession(this.parts.store, text);
  }

  /** The facts about one session. @throws {UserError} see {@link resolveSession} */
  status(text: string): SessionStatus {
    return statusOf(this.parts.store, this.resolve(text));
  }

  /**
   * A session with everything below it.
   * @param depth levels below it; default 2
   * @throws {UserError} see {@link resolveSession}
   */
  teamStatus(text: string, depth = 2): TeamStatus {
    return teamStatusOf(this.parts.store, this.resolve(text), depth);
  }

  /** The ids of a session and of everything below it, depth first. */
  subtree(id: string): readonly string[] {
    return subtreeOf(this.parts.store, id);
  }

  /** All sessions, newest first, with their lineage and inboxes. */
  overview(): Overview {
    return readOverview(this.parts.store);
  }

  /** The events of a session that its record has, for an output that is shown late. */
  async *events(id: string): AsyncGenerator<AppliedEvents['events'][number]> {
    const appliedSeq = this.supervisor.appliedSeq(id);
    for await (const event of this.parts.runners.readEvents(id, 1)) {
      if (event.seq > appliedSeq) return;
      yield event;
    }
  }

  /**
   * The last of a session's events that its record has, for an output that is shown late.
   * @param maxBytes about how much of its log is read
   */
  async latestEvents(id: string, maxBytes: number): Promise<EventTail> {
    const appliedSeq = this.supervisor.appliedSeq(id);
    const { events, isCut } = await this.parts.runners.readTail(id, maxBytes);
    return { events: events.filter(({ seq }) => seq <= appliedSeq), isCut };
  }

  /** Finds the runners of all sessions that had one when the last window closed. */
  async adoptAll(): Promise<void> {
    const { sessions } = this.parts.store;
    const ids = [...sessions.activeIds(ALL), ...sessions.leftoverIds()];
    // Until it is known, each of them may be at work.
    for (const id of ids) this.slots.reserve(id, false);
    await Promise.all(ids.map((id) => this.adopt(id).finally(() => this.slots.release(id))));
  }

  /** Lets go of all runners, which live on, and waits for what is under way; 3 seconds at most. */
  async close(): Promise<void> {
    this.disposables.dispose();
    await within(this.queue.idle(), CLOSE_MS, undefined);
  }

  private async adopt(id: string): Promise<void> {
    try {
      const adoption = await this.queue.run(id, () => this.supervisor.adopt(id));
      // The window closed before it was started.
      if (adoption === 'never-started') void this.starter.startSoon(id);
    } catch (error) {
      this.parts.log.error(`session ${id}: could not be found again`, error);
      this.supervisor.lookAgainLater(id);
    }
  }

  private async prompt(session: Session, { commandId, text }: FirstPrompt): Promise<void> {
    const { id } = session;
    for (let isAgain = false; ; isAgain = true) {
      const link = await this.supervisor.connect(id).catch((error: unknown) => {
        const isLost = isAgain && error instanceof RunnerUnreachableError;
        throw isLost ? new RunnerUnreachableError(id, true) : error;
      });
      if (!link) throw new UserError(`Session ${id} has no agent any more. ${this.reasonOf(id)}`);
      try {
        await link.prompt(commandId, text);
        break;
      } catch (error) {
        // Lost before the answer: it may have got there, and one id counts once.
        if (this.supervisor.isCurrent(id, link)) throw error;
        if (isAgain) throw new RunnerUnreachableError(id, true);
      }
    }
    const { turns } = this.parts.store;
    const heard = this.supervisor.until(id, () => turns.get(id, commandId) !== undefined);
    const { patienceMs = PATIENCE_MS } = this.parts;
    if (await within(heard, patienceMs, undefined)) return;
    // It has said yes and then nothing more: nobody may wait for it for ever.
    this.supervisor.doubt(id);
    throw new RunnerUnreachableError(id, true);
  }

  private afterEvents({ sessionId, events }: AppliedEvents): void {
    for (const event of events) {
      if (event.type === 'turn-ended') this.background(sessionId, this.countFiles(sessionId));
      if (event.type === 'exit' && event.reason === 'start-failed') {
        this.background(sessionId, this.starter.discardWorktree(sessionId));
      }
    }
  }

  /** The last window died when it had ended the session, but not its agent yet. */
  private endIfLeftover(id: string): void {
    if (isActive(this.get(id).state)) return;
    this.background(
      id,
      this.queue.run(id, () => this.ender.endLeftover(id)),
    );
  }

  private background(id: string, work: Promise<void>): void {
    work.catch((error: unknown) => this.parts.log.error(`session ${id}:`, error));
  }

  private async countFiles(id: string): Promise<void> {
    const { worktree } = this.get(id);
    if (!worktree) return;
    const filesChanged = await this.parts.git.countChangedFiles(worktree);
    const { metrics } = this.get(id);
    if (metrics.filesChanged !== filesChanged) {
      this.update(id, { metrics: { ...metrics, filesChanged } });
    }
  }

  private get(id: string): Session {
    return requireSession(this.parts.store, id);
  }

  private reasonOf(id: string): string {
    return this.get(id).reason ?? '';
  }

  private update(id: string, patch: Partial<Session>): void {
    updateSession(this.parts.store, id, patch);
  }
}
