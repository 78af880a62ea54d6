import * as path from 'node:path';
import type { KeyedQueue } from '../base/async';
import type { Disposable } from '../base/disposable';
import { messageOf, UserError } from '../base/errors';
import { isActive, type Session } from '../domain/session';
import { EmptyTextError, LetGoError, NoRepositoryError } from './errors';
import { realFolders } from './folders';
import { requireSession, updateSession } from './lookup';
import { freshSessionId, makePendingSession } from './newSession';
import type { FolderPort, SessionParts } from './ports';
import { StartQueue } from './startQueue';
import type { Supervisor } from './supervisor';
import type { TurnSlots } from './turnSlots';

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

/** Creates sessions: checks, the record, the worktree, the runner, in this order. */
export class SessionStarter implements Disposable {
  private readonly starts: StartQueue;
  private readonly folders: FolderPort;

  /** @param queue calls for one session run in the order they came */
  constructor(
    private readonly parts: SessionParts,
    private readonly supervisor: Supervisor,
    private readonly queue: KeyedQueue,
    slots: TurnSlots,
  ) {
    this.folders = parts.folders ?? realFolders;
    this.starts = new StartQueue(parts.store, slots, (id) => this.start(id), parts.log);
  }

  /**
   * Accepts a session as pending and starts it. Checks everything first: when the call throws, nothing
   * was created.
   * @throws {UserError} naming what is wrong: the task, the agent, its program, the folder, or git
   */
  async create(wanted: NewSession): Promise<CreatedSession> {
    const { store, clock } = this.parts;
    const task = wanted.task.trim();
    if (task === '') throw new EmptyTextError('task');
    await this.parts.agents.resolve(wanted.agentType);
    if (!(await this.folders.exists(wanted.folder))) {
      throw new UserError(`The folder ${wanted.folder} does not exist.`);
    }
    const repository = wanted.useWorktree ? await this.repositoryOf(wanted.folder) : undefined;
    const seed = {
      id: freshSessionId(store.sessions),
      task,
      agentType: wanted.agentType,
      workingDir: wanted.folder,
      repository,
      role: 'lead',
    } as const;
    store.mutate(() => store.sessions.insert(makePendingSession(seed, clock())));
    await store.synced();
    this.parts.log.info(`session ${seed.id}: created for agent ${seed.agentType}`);
    return { id: seed.id, started: this.startSoon(seed.id) };
  }

  /**
   * Starts a pending session as soon as the limits allow.
   * @returns settles when the agent has its first prompt; rejects with the reason when it could not be
   *   started. Nobody needs to look at it: the record says the same.
   */
  startSoon(id: string): Promise<void> {
    const started = this.starts.add(id);
    started.catch(() => undefined);
    return started;
  }

  /** Takes back a start that has not begun. @returns false when there is none */
  cancelStart(id: string, why: Error): boolean {
    return this.starts.cancel(id, why);
  }

  /** See {@link StartQueue.wake}. */
  wake(): void {
    this.starts.wake();
  }

  dispose(): void {
    this.starts.dispose();
  }

  private async start(id: string): Promise<void> {
    const progress = { hasLaunched: false };
    try {
      await this.queue.run(id, async () => {
        const { state, agentType } = this.get(id);
        if (state !== 'pending') return;
        const agent = await this.parts.agents.resolve(agentType);
        await this.prepareWorktree(id);
        this.supervisor.assertHolding(id);
        const session = this.get(id);
        const adoption = await this.supervisor.launch(id, async () => {
          await this.parts.runners.launch(session, agent, this.parts.work.firstPrompt(session));
          // From here on the agent works, whatever happens to us.
          progress.hasLaunched = true;
        });
        if (adoption !== 'never-started') return;
        progress.hasLaunched = false;
        throw new UserError('Its runner ended without a word.');
      });
    } catch (error) {
      this.parts.log.error(`session ${id}: could not be started`, error);
      if (progress.hasLaunched) this.supervisor.lookAgainLater(id);
      // The next window finds it pending, and starts it.
      else if (!(error instanceof LetGoError)) {
        await this.failToStart(id, messageOf(error)).catch((second: unknown) =>
          this.parts.log.error(`session ${id}: its failure cannot be stored now`, second),
        );
      }
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
    if (session.worktree) {
      if (await this.folders.exists(session.workingDir)) return;
      throw new UserError(`Its folder ${session.workingDir} is gone.`);
    }
    if (repository === undefined) return;
    const worktree = await this.parts.git.addWorktree(repository, id);
    // A session about a subfolder of the repository works in the same subfolder of its worktree.
    const subfolder = path.join(
      worktree.path,
      path.relative(
        await this.folders.realPath(repository),
        await this.folders.realPath(session.workingDir),
      ),
    );
    const workingDir = (await this.folders.exists(subfolder)) ? subfolder : worktree.path;
    try {
      this.update(id, { worktree, workingDir });
    } catch (error) {
      // A worktree that nobody knows of would stay for ever.
      await this.parts.git.removeWorktree(repository, worktree);
      throw error;
    }
    await this.parts.store.synced();
  }

  private async failToStart(id: string, reason: string): Promise<void> {
    const session = this.get(id);
    if (isActive(session.state)) {
      const { store, work, clock } = this.parts;
      const failed: Session = {
        ...session,
        state: 'failed',
        presence: 'gone',
        reason,
        updatedAt: clock(),
      };
      store.mutate(() => {
        store.sessions.update(failed);
        work.ended(failed);
      });
    }
    // One that has begun before has work in its worktree.
    if (session.appliedSeq === 0) await this.discardWorktree(id);
  }

  /** Removes the worktree of a session that never worked in it, unless something would be lost. */
  async discardWorktree(id: string): Promise<void> {
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

  /** Top folder of the repository that a folder is in. @throws {NoRepositoryError} when there is none */
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

  private get(id: string): Session {
    return requireSession(this.parts.store, id);
  }

  private update(id: string, patch: Partial<Session>): void {
    updateSession(this.parts.store, id, patch);
  }
}
