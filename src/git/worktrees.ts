import * as path from 'node:path';
import { KeyedQueue } from '../base/async';
import { exists } from '../base/files';
import { silentLogger, type Logger } from '../base/log';
import { shownPath, WorktreeError } from '../domain/gitErrors';
import type { Worktree } from '../domain/session';
import type { GitPort, RepositoryState } from '../session/ports';
import { addWorktree } from './addWorktree';
import { Git } from './git';
import { toWorktreeError } from './gitErrors';
import { countChanged, countUncommitted } from './losses';
import { removeWorktree } from './removeWorktree';
import {
  commonFolder,
  inspectRepository,
  mainFolder,
  requireLinked,
  requireRepository,
} from './repository';

/** See {@link GitWorktrees}. */
export interface GitWorktreesOptions {
  /** Environment that git's own is made from; default: that of this process. */
  readonly environment?: Readonly<NodeJS.ProcessEnv>;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
  /** What the branch of a session begins with; default `deputy/`. The id of the session follows. */
  readonly branchPrefix?: string;
  /**
   * Absolute path for the worktree of a session.
   * Default: `<mainFolder>.worktrees/<sessionId>`, beside the repository.
   * @param mainFolder top folder of the repository's main worktree
   */
  readonly placement?: (mainFolder: string, sessionId: string) => string;
}

/** Git worktrees for sessions, by means of the git that is on PATH. */
export class GitWorktrees implements GitPort {
  private readonly git: Git;
  private readonly logger: Logger;
  private readonly branchPrefix: string;
  private readonly placement: (mainFolder: string, sessionId: string) => string;
  /** Adding and removing take locks for which git does not wait. The key is the common folder. */
  private readonly queue = new KeyedQueue();

  constructor(options: GitWorktreesOptions = {}) {
    this.logger = options.logger ?? silentLogger;
    this.git = new Git(options.environment ?? process.env, this.logger);
    this.branchPrefix = options.branchPrefix ?? 'deputy/';
    this.placement =
      options.placement ??
      ((main, id) => path.join(path.dirname(main), `${path.basename(main)}.worktrees`, id));
  }

  /** @see GitPort.inspect */
  inspect(folder: string): Promise<RepositoryState> {
    return inspectRepository(this.git, folder);
  }

  /** @see GitPort.addWorktree */
  async addWorktree(repository: string, sessionId: string): Promise<Worktree> {
    // It becomes the name of a folder and of a branch: "..", say, must not get there.
    if (!/^[A-Za-z0-9][\w-]*$/.test(sessionId)) {
      throw new Error(`Not a session id: ${JSON.stringify(sessionId)}`);
    }
    return explained(`make a worktree for session ${sessionId}`, async () => {
      const root = await requireRepository(this.git, repository);
      const place = this.placement(await mainFolder(this.git, root), sessionId);
      const branch = this.branchPrefix + sessionId;
      return this.queue.run(await commonFolder(this.git, root), () =>
        addWorktree(this.git, this.logger, { root, place, branch }),
      );
    });
  }

  /** @see GitPort.removeWorktree */
  async removeWorktree(repository: string, worktree: Worktree): Promise<void> {
    await explained(`remove the worktree ${shownPath(worktree.path)}`, async () => {
      const start = await this.findStart(repository, worktree);
      if (start === undefined) return;
      await this.queue.run(await commonFolder(this.git, start), () =>
        removeWorktree(this.git, start, worktree),
      );
    });
  }

  /**
   * @see GitPort.countChangedFiles
   * @throws {WorktreeError} when the worktree's folder is gone or no longer linked to its repository
   */
  async countChangedFiles(worktree: Worktree): Promise<number> {
    return explained(`compare ${shownPath(worktree.path)} with its base`, async () => {
      await requireLinked(worktree.path);
      return countChanged(this.git, worktree);
    });
  }

  /**
   * @see GitPort.countUncommittedFiles
   * @throws {WorktreeError} when the folder is in no repository
   */
  async countUncommittedFiles(folder: string): Promise<number> {
    return explained(`look at what is not committed in ${shownPath(folder)}`, async () =>
      countUncommitted(this.git, await requireRepository(this.git, folder)),
    );
  }

  /**
   * A folder from which git knows the worktree; undefined when that is gone together with its
   * repository. The session may have started in a checkout that is gone by now.
   */
  private async findStart(repository: string, worktree: Worktree): Promise<string | undefined> {
    for (const folder of [repository, worktree.path]) {
      if ((await this.inspect(folder)).kind !== 'none') return folder;
    }
    if (!(await exists(worktree.path))) return undefined;
    throw new WorktreeError(
      'no-repository',
      `${shownPath(worktree.path)} was not removed: its repository ${shownPath(repository)} is gone. Look at what the folder holds, then delete it yourself.`,
    );
  }
}

async function explained<T>(doing: string, job: () => Promise<T>): Promise<T> {
  try {
    return await job();
  } catch (error) {
    throw toWorktreeError(error, doing);
  }
}
