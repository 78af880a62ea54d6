import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { AgentCatalogue } from '../../src/agents/agentCatalogue';
import { presets } from '../../src/agents/presets';
import { Runners } from '../../src/agents/runners';
import { silentLogger } from '../../src/base/log';
import { findMarked } from '../../src/base/processTree';
import type { AgentDefinition } from '../../src/domain/agent';
import { LAUNCH_FILE, type LaunchData } from '../../src/domain/runnerProtocol';
import type { Session } from '../../src/domain/session';
import { GitWorktrees } from '../../src/git/worktrees';
import { HandoffBook } from '../../src/routing/handoffBook';
import { Routing } from '../../src/routing/routing';
import { SessionManager } from '../../src/session/sessionManager';
import { DurableStore } from '../../src/store/durableStore';
import { lastingProcesses } from './lastingProcesses';
import { STORE_PROGRAMS } from './stores';
import { makeTempFolder, removeTempFolder } from './tempFolder';

/** Short, so that tests of stopping do not wait long; each step still takes as long as it takes. */
const GRACE_MS = 500;

/**
 * Everything but the editor, on real parts: store, git, runners and the rehearsal agent, in a folder
 * of its own. `reopen` is what a reload of the window does.
 */
export class TestCore {
  manager!: SessionManager;
  routing!: Routing;
  /** Read each time; a test may change them. */
  readonly limits = {
    maxDelegatesPerLead: 8,
    maxRunningTurns: 8,
    maxParallelWorktrees: 8,
    autoDispatchLimitPerSession: 5,
    isAutoDispatching: false,
    heartbeatMs: 30_000,
    sessionTimeoutMs: 3_600_000,
  };
  store!: DurableStore;

  private constructor(
    readonly root: string,
    /** A git repository with one commit on `main`. */
    readonly repository: string,
    private readonly ownAgents: readonly AgentDefinition[],
  ) {}

  /** @param ownAgents agents beside the presets */
  static async open(ownAgents: readonly AgentDefinition[] = []): Promise<TestCore> {
    const root = await makeTempFolder();
    const repository = path.join(root, 'repo');
    await fs.mkdir(path.join(root, 's'));
    await fs.mkdir(repository);
    await fs.writeFile(path.join(repository, 'README.md'), 'scratch\n');
    const core = new TestCore(root, repository, ownAgents);
    await core.git('init', '--quiet', '--initial-branch=main');
    await core.git('add', '.');
    await core.git('commit', '--quiet', '-m', 'Start');
    await core.reopen();
    return core;
  }

  /**
   * Closes the state, if it is open, and opens it again, as the next window would.
   * @param gitEnvironment what git is looked for in and gets; default our own
   */
  async reopen(gitEnvironment: NodeJS.ProcessEnv = process.env): Promise<void> {
    await this.close();
    this.store = await DurableStore.open({
      folder: path.join(this.root, 'home'),
      programs: STORE_PROGRAMS,
      log: silentLogger,
    });
    const runners = new Runners({
      sessionsFolder: path.join(this.root, 'home/sessions'),
      socketFolder: path.join(this.root, 's'),
      node: process.execPath,
      runnerProgram: path.resolve('dist/runner.js'),
      times: () => ({ graceMs: GRACE_MS, startTimeoutMs: 30_000 }),
    });
    const home = { DEPUTY_REHEARSAL_HOME: path.join(this.root, 'rehearsal') };
    const bundled = presets(path.resolve('dist/rehearsal.js'), process.execPath).map((agent) => ({
      ...agent,
      env: { ...agent.env, ...home },
    }));
    const { store, limits } = this;
    const clock = (): number => Date.now();
    const agents = new AgentCatalogue(bundled, () => this.ownAgents);
    const git = new GitWorktrees({ environment: gitEnvironment });
    const book = new HandoffBook(store, clock);
    const shared = { store, agents, git, limits: () => limits, log: silentLogger };
    this.manager = new SessionManager({ ...shared, runners, work: book, clock });
    this.routing = new Routing({
      ...shared,
      book,
      manager: this.manager,
      coordination: () => limits,
      clock,
    });
  }

  /** Starts a rehearsal session and waits until it has its task. */
  async start(task: string, useWorktree = false): Promise<string> {
    const folder = this.repository;
    const created = await this.manager.create({
      task,
      agentType: 'rehearsal',
      useWorktree,
      folder,
    });
    await created.started;
    return created.id;
  }

  /** Waits until the session's record fits. */
  until(id: string, fits: (session: Session) => boolean): Promise<Session> {
    return new Promise((resolve) => {
      const look = (): void => {
        const session = this.manager.resolve(id);
        if (!fits(session)) return;
        subscription.dispose();
        resolve(session);
      };
      const subscription = this.manager.onDidChange(look);
      look();
    });
  }

  /** Pids of the session's living processes, its runner included. */
  async processes(id: string): Promise<number[]> {
    return (await findMarked((await this.launch(id)).marker)).map(({ pid }) => pid);
  }

  /** Pids of the session's processes that do not end by themselves. */
  async lasting(id: string): Promise<number[]> {
    return lastingProcesses([(await this.launch(id)).marker]);
  }

  /** What is left of the session's launch file. */
  async launch(id: string): Promise<LaunchData> {
    const file = path.join(this.root, 'home/sessions', id, LAUNCH_FILE);
    return JSON.parse(await fs.readFile(file, 'utf8')) as LaunchData;
  }

  /** Runs git in the repository, without the user's configuration; its output, trimmed. */
  async git(...args: readonly string[]): Promise<string> {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid'];
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
    const options = { cwd: this.repository, env };
    return (await promisify(execFile)('git', [...identity, ...args], options)).stdout.trim();
  }

  /** Closes the state; the agents live on. */
  async close(): Promise<void> {
    if (!(this.store as DurableStore | undefined)) return;
    this.routing.dispose();
    await this.manager.close();
    await this.store.close();
  }

  /** Stops whatever still runs, and removes everything. */
  async dispose(): Promise<void> {
    const { sessions } = this.manager.overview();
    await Promise.all([...sessions.keys()].map((id) => this.manager.stop(id)));
    await this.close();
    await removeTempFolder(this.root);
  }
}
