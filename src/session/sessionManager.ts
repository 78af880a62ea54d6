import { randomUUID } from 'node:crypto';
import { KeyedQueue, within } from '../base/async';
import { DisposableStore } from '../base/disposable';
import { UserError } from '../base/errors';
import type { StopIntent } from '../domain/events';
import { isActive, type Session } from '../domain/session';
import type { SessionStatus } from '../domain/status';
import { EmptyTextError, WrongStateError } from './errors';
import { requireSession, resolveSession, statusOf, updateSession } from './lookup';
import { readOverview, type Overview, type OverviewSource } from './overview';
import type { SessionParts, StateStore } from './ports';
import { SessionStarter, type CreatedSession, type NewSession } from './sessionStarter';
import { Supervisor, type AppliedEvents } from './supervisor';

/** Time for what is under way when the window closes, in milliseconds. */
const CLOSE_MS = 3_000;

/** The life of sessions: created, prompted, finished, stopped, and found again after a reload. */
export class SessionManager implements OverviewSource {
  private readonly supervisor: Supervisor;
  private readonly starter: SessionStarter;
  /** Calls for one session run in the order they came. */
  private readonly queue = new KeyedQueue();
  private readonly disposables = new DisposableStore();

  constructor(private readonly parts: SessionParts) {
    this.supervisor = new Supervisor(parts.store, parts.runners, parts.log);
    this.starter = new SessionStarter(parts, this.supervisor, this.queue);
    this.disposables.add(this.supervisor);
    this.disposables.add(this.supervisor.onDidApply((applied) => this.afterEvents(applied)));
  }

  /** See {@link Supervisor.onDidApply}. */
  get onDidApply(): Supervisor['onDidApply'] {
    return this.supervisor.onDidApply;
  }

  /** Fires with the ids of sessions whose record, messages or handoffs have changed. */
  get onDidChange(): StateStore['onDidChange'] {
    return this.parts.store.onDidChange;
  }

  /** See {@link SessionStarter.create}. */
  create(wanted: NewSession): Promise<CreatedSession> {
    return this.starter.create(wanted);
  }

  /**
   * Gives an idle session its next turn.
   * @throws {WrongStateError} unless the session is idle
   */
  async sendPrompt(id: string, text: string): Promise<void> {
    const prompt = text.trim();
    if (prompt === '') throw new EmptyTextError('prompt');
    await this.queue.run(id, async () => {
      const session = this.get(id);
      if (session.state !== 'idle') {
        throw new WrongStateError(
          session,
          'send a prompt to',
          session.state === 'running' || session.state === 'pending'
            ? 'Wait until its turn has ended.'
            : 'Start a new session instead.',
        );
      }
      const link = await this.supervisor.connect(id);
      if (!link) throw new UserError(`Session ${id} has no agent any more. ${this.reasonOf(id)}`);
      await link.prompt(randomUUID(), prompt);
      await this.supervisor.until(id, (it) => it.appliedSeq > session.appliedSeq);
    });
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
      await this.end(id, 'finish');
    });
  }

  /** Stops a session with all of its processes; its worktree stays. One that has ended stays as it is. */
  async stop(id: string): Promise<void> {
    await this.queue.run(id, async () => {
      if (isActive(this.get(id).state)) await this.end(id, 'stop');
    });
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

  /** All sessions, newest first, with their lineage and inboxes. */
  overview(): Overview {
    return readOverview(this.parts.store);
  }

  /** The events of a session that its record has, for an output that is shown late. */
  async *events(id: string): AsyncGenerator<AppliedEvents['events'][number]> {
    const { appliedSeq } = this.get(id);
    for await (const event of this.parts.runners.readEvents(id, 1)) {
      if (event.seq > appliedSeq) return;
      yield event;
    }
  }

  /** Finds the runners of all sessions that were live when the last window closed. */
  async adoptAll(): Promise<void> {
    const live = this.parts.store.sessions.list().filter((session) => isActive(session.state));
    await Promise.all(live.map(({ id }) => this.adopt(id)));
  }

  /** Lets go of all runners, which live on, and waits for what is under way; 3 seconds at most. */
  async close(): Promise<void> {
    this.disposables.dispose();
    await within(this.queue.idle(), CLOSE_MS, undefined);
  }

  private async adopt(id: string): Promise<void> {
    try {
      await this.queue.run(id, () => this.supervisor.adopt(id));
      const { state, appliedSeq } = this.get(id);
      // The window closed while the session was being started: nobody has worked in its worktree.
      if (state === 'failed' && appliedSeq === 0) await this.starter.discardWorktree(id);
    } catch (error) {
      this.parts.log.error(`session ${id}: could not be found again`, error);
      this.supervisor.lookAgainLater(id);
    }
  }

  private async end(id: string, intent: StopIntent): Promise<void> {
    const link = await this.supervisor.connect(id);
    if (link) {
      await link.stop(randomUUID(), intent);
      await this.supervisor.until(id, (it) => !isActive(it.state));
      return;
    }
    const session = this.get(id);
    const state = intent === 'stop' ? 'stopped' : 'completed';
    if (isActive(session.state)) this.update(id, { state, updatedAt: Date.now() });
  }

  private afterEvents({ sessionId, events }: AppliedEvents): void {
    for (const event of events) {
      if (event.type === 'turn-ended') this.background(sessionId, this.countFiles(sessionId));
      if (event.type === 'exit' && event.reason === 'start-failed') {
        this.background(sessionId, this.starter.discardWorktree(sessionId));
      }
    }
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
