import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { KeyedQueue } from '../base/async';
import { DisposableStore, type Disposable } from '../base/disposable';
import { messageOf, UserError } from '../base/errors';
import { exists } from '../base/files';
import type { Logger } from '../base/log';
import type { StopIntent } from '../domain/events';
import { buildForest, type Forest } from '../domain/lineage';
import { assertTransition, isActive, type Session } from '../domain/session';
import type { SessionStatus } from '../domain/status';
import { EmptyTextError, NoRepositoryError, WrongStateError } from './errors';
import { resolveSession, statusOf } from './lookup';
import type { AgentPort, GitPort, LaunchableAgent, RunnerPort, StateStore } from './ports';
import { Supervisor, type AppliedEvents } from './supervisor';

/** What a new session is asked to be. */
export interface NewSession {
  readonly task: string;
  readonly agentType: string;
  /** True: a worktree of its own; false: it works in `folder` itself. */
  readonly useWorktree: boolean;
  /** Absolute path of the folder that the work is about. */
  readonly folder: string;
}

/** A session that was accepted. */
export interface CreatedSession {
  readonly id: string;
  /** Settles when the agent has the task; rejects with the reason when it could not be started. */
  readonly started: Promise<void>;
}

/** Everything a view of all sessions shows. */
export interface Overview {
  readonly sessions: ReadonlyMap<string, Session>;
  readonly forest: Forest;
  /** Unread messages by session. */
  readonly unread: ReadonlyMap<string, number>;
}

/** The parts that a {@link SessionManager} works with. */
export interface SessionManagerParts {
  readonly store: StateStore;
  readonly runners: RunnerPort;
  readonly agents: AgentPort;
  readonly git: GitPort;
  readonly log: Logger;
}

/** The life of sessions: created, prompted, finished, stopped, and found again after a reload. */
export class SessionManager implements Disposable {
  private readonly supervisor: Supervisor;
  /** Calls for one session run in the order they came. */
  private readonly queue = new KeyedQueue();
  private readonly disposables = new DisposableStore();

  constructor(private readonly parts: SessionManagerParts) {
    this.supervisor = new Supervisor(parts.store, parts.runners, parts.log);
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

  /**
   * Accepts a session as pending and starts it. Checks everything first: when the call throws, nothing
   * was created.
   * @throws {UserError} naming what is wrong: the task, the agent, its program, the folder, or git
   */
  async create(wanted: NewSession): Promise<CreatedSession> {
    const { store } = this.parts;
    const task = wanted.task.trim();
    if (task === '') throw new EmptyTextError('task');
    const agent = await this.parts.agents.resolve(wanted.agentType);
    if (!(await exists(wanted.folder))) {
      throw new UserError(`The folder ${wanted.folder} does not exist.`);
    }
    const repository = wanted.useWorktree ? await this.repositoryOf(wanted.folder) : undefined;
    const now = Date.now();
    const session: Session = {
      id: this.freshId(),
      task,
      agentType: wanted.agentType,
      workingDir: wanted.folder,
      state: 'pending',
      role: 'lead',
      presence: 'gone',
      pid: undefined,
      worktree: undefined,
      repository,
      conversationId: undefined,
      requests: [],
      reason: undefined,
      appliedSeq: 0,
      metrics: { tokensUsed: 0, toolCalls: 0, filesChanged: 0, durationSecs: 0, costUsd: 0 },
      turnStartedAt: undefined,
      createdAt: now,
      updatedAt: now,
    };
    store.mutate(() => store.sessions.insert(session));
    await store.synced();
    this.parts.log.info(`session ${session.id}: created for agent ${session.agentType}`);
    const started = this.start(session.id, agent);
    // The caller may look at `started` late or never; the record says the same.
    started.catch(() => undefined);
    return { id: session.id, started };
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
    const { sessions, handoffs, messages } = this.parts.store;
    const list = sessions.list();
    return {
      sessions: new Map(list.map((session) => [session.id, session])),
      forest: buildForest(
        list.map((session) => session.id),
        handoffs.links(),
      ),
      unread: messages.unreadCounts(),
    };
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
    await Promise.all(
      live.map(({ id }) =>
        this.queue
          .run(id, () => this.supervisor.adopt(id))
          .catch((error: unknown) =>
            this.parts.log.error(`session ${id}: could not be found again`, error),
          ),
      ),
    );
  }

  /** Lets go of all runners; they live on. */
  dispose(): void {
    this.disposables.dispose();
  }

  private async start(id: string, agent: LaunchableAgent): Promise<void> {
    try {
      await this.queue.run(id, async () => {
        await this.prepareWorktree(id);
        const link = await this.parts.runners.launch(this.get(id), agent, randomUUID());
        await this.supervisor.follow(id, link);
      });
    } catch (error) {
      this.parts.log.error(`session ${id}: could not be started`, error);
      await this.failToStart(id, messageOf(error));
      throw error;
    }
    const session = await this.supervisor.until(id, (it) => it.state !== 'pending');
    if (session.state !== 'failed') return;
    // Its worktree is being discarded now; the caller shall find things settled.
    await this.queue.run(id, () => Promise.resolve());
    throw new UserError(this.get(id).reason ?? `The agent of session ${id} could not be started.`);
  }

  private async prepareWorktree(id: string): Promise<void> {
    const session = this.get(id);
    const { repository } = session;
    if (repository === undefined) return;
    const worktree = await this.parts.git.addWorktree(repository, id);
    // A session about a subfolder of the repository works in the same subfolder of its worktree.
    const subfolder = path.join(
      worktree.path,
      path.relative(await fs.realpath(repository), await fs.realpath(session.workingDir)),
    );
    const workingDir = (await exists(subfolder)) ? subfolder : worktree.path;
    this.update(id, { worktree, workingDir });
    await this.parts.store.synced();
  }

  private async failToStart(id: string, reason: string): Promise<void> {
    const session = this.get(id);
    if (isActive(session.state)) {
      assertTransition(session.state, 'failed');
      this.update(id, { state: 'failed', presence: 'gone', reason, updatedAt: Date.now() });
    }
    await this.discardWorktree(id);
  }

  /** Removes the worktree of a session that never worked in it, unless something would be lost. */
  private async discardWorktree(id: string): Promise<void> {
    await this.queue.run(id, async () => {
      const { worktree, repository, workingDir, reason } = this.get(id);
      if (!worktree || repository === undefined) return;
      try {
        await this.parts.git.removeWorktree(repository, worktree);
        const subfolder = path.relative(worktree.path, workingDir);
        this.update(id, { worktree: undefined, workingDir: path.join(repository, subfolder) });
      } catch (error) {
        this.parts.log.warn(`session ${id}: its worktree was kept: ${messageOf(error)}`);
        this.update(id, { reason: `${reason ?? ''} Its worktree was kept. ${messageOf(error)}` });
      }
    });
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
        this.background(sessionId, this.discardWorktree(sessionId));
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

  private async repositoryOf(folder: string): Promise<string> {
    const place = await this.parts.git.inspect(folder);
    switch (place.kind) {
      case 'repository':
        return place.root;
      case 'none':
        throw new NoRepositoryError(folder, 'It is not in a git repository.');
      case 'unusable':
        throw new NoRepositoryError(folder, place.why);
    }
  }

  private freshId(): string {
    for (;;) {
      const id = randomUUID().slice(0, 8);
      if (!this.parts.store.sessions.get(id)) return id;
    }
  }

  private get(id: string): Session {
    return resolveSession(this.parts.store, id);
  }

  private reasonOf(id: string): string {
    return this.get(id).reason ?? '';
  }

  private update(id: string, patch: Partial<Session>): void {
    const { store } = this.parts;
    store.mutate(() => store.sessions.update({ ...this.get(id), ...patch }));
  }
}
