import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { AgentCatalogue } from '../../src/agents/agentCatalogue';
import { presets } from '../../src/agents/presets';
import type { ConnectionTimes } from '../../src/agents/runnerClient';
import { Runners, type RunnersOptions } from '../../src/agents/runners';
import { deferred } from '../../src/base/async';
import { toError } from '../../src/base/errors';
import { silentLogger } from '../../src/base/log';
import { findMarked } from '../../src/base/processTree';
import type { AgentDefinition } from '../../src/domain/agent';
import type { SessionEvent } from '../../src/domain/events';
import type { Handoff, HandoffPurpose, HandoffState } from '../../src/domain/handoff';
import type { Priority } from '../../src/domain/message';
import { LAUNCH_FILE, type LaunchData } from '../../src/domain/runnerProtocol';
import type { Session } from '../../src/domain/session';
import { GitWorktrees } from '../../src/git/worktrees';
import type { Assignment, AssignmentOutcome } from '../../src/routing/assigner';
import { HandoffBook } from '../../src/routing/handoffBook';
import { Routing } from '../../src/routing/routing';
import type { RunnerPort } from '../../src/session/ports';
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
  /** Read at each launch; a test may change them. */
  readonly times = {
    graceMs: GRACE_MS,
    startTimeoutMs: 30_000,
    idleLimitMs: 0,
    longestTurnMs: 0,
  };
  /** How long runners may take to answer; read at each opening. Default: as in the product. */
  patience: ConnectionTimes & { readonly patienceMs?: number } = {};
  store!: DurableStore;
  /** Steps of a handoff's life; a test calls them inside `store.mutate`. */
  book!: HandoffBook;
  /** How far routing's clock is ahead, in milliseconds, so that nobody has to wait for a back-off. */
  aheadMs = 0;
  /** A git repository with one commit on `main`. */
  readonly repository: string;

  /** @param ownAgents agents beside the presets; read each time, as settings are */
  protected constructor(
    readonly root: string,
    readonly ownAgents: readonly AgentDefinition[],
  ) {
    this.repository = path.join(root, 'repo');
  }

  /** @param ownAgents agents beside the presets; read each time, as settings are */
  static async open(ownAgents: readonly AgentDefinition[] = []): Promise<TestCore> {
    return new TestCore(await TestCore.makeRoot(), ownAgents).prepare();
  }

  /** The folder of a core; {@link dispose} removes it. */
  protected static makeRoot(): Promise<string> {
    return makeTempFolder();
  }

  /** Makes the repository, and opens the state for the first time. */
  protected async prepare(): Promise<this> {
    await fs.mkdir(path.join(this.root, 's'));
    await fs.mkdir(this.repository);
    await fs.writeFile(path.join(this.repository, 'README.md'), 'scratch\n');
    await this.git('init', '--quiet', '--initial-branch=main');
    await this.git('add', '.');
    await this.git('commit', '--quiet', '-m', 'Start');
    await this.reopen();
    return this;
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
    const home = { DEPUTY_REHEARSAL_HOME: path.join(this.root, 'rehearsal') };
    const bundled = presets(path.resolve('dist/rehearsal.js'), process.execPath).map((agent) => ({
      ...agent,
      env: { ...agent.env, ...home },
    }));
    const { store, limits } = this;
    const clock = (): number => Date.now() + this.aheadMs;
    const agents = new AgentCatalogue(bundled, () => this.ownAgents);
    const git = new GitWorktrees({ environment: gitEnvironment });
    const book = new HandoffBook(store, clock);
    this.book = book;
    const shared = { store, agents, git, limits: () => limits, log: silentLogger };
    const runners = this.makeRunners();
    this.manager = new SessionManager({
      ...shared,
      ...this.patience,
      runners,
      work: book,
      clock,
    });
    this.routing = new Routing({
      ...shared,
      book,
      manager: this.manager,
      coordination: () => limits,
      clock,
    });
  }

  /** What starts agents, and finds them again. */
  protected makeRunners(): RunnerPort {
    return new Runners(this.runnersOptions());
  }

  protected runnersOptions(): RunnersOptions {
    return {
      sessionsFolder: path.join(this.root, 'home/sessions'),
      socketFolder: path.join(this.root, 's'),
      node: process.execPath,
      runnerProgram: path.resolve('dist/runner.js'),
      times: () => this.times,
      connection: this.patience,
    };
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
    return this.when(() => {
      const session = this.manager.resolve(id);
      return fits(session) ? session : undefined;
    });
  }

  /** Waits until the handoff is in a state. */
  untilHandoff(id: number, state: HandoffState): Promise<Handoff> {
    return this.when(() => {
      const handoff = this.store.handoffs.get(id);
      return handoff?.state === state ? handoff : undefined;
    });
  }

  /**
   * Waits until `look` finds something; it is asked now and after every change of the state.
   * Rejects when `look` throws.
   */
  when<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const lookNow = (): void => {
        try {
          const found = look();
          if (found === undefined) return;
          resolve(found);
        } catch (error) {
          reject(toError(error));
        }
        subscription.dispose();
      };
      const subscription = this.store.onDidChange(lookNow);
      lookNow();
    });
  }

  /** Waits until the session's agent has done something that fits, or finds that it has. */
  async heard(id: string, fits: (event: SessionEvent) => boolean): Promise<void> {
    const isHeard = deferred<undefined>();
    const listen = (events: readonly SessionEvent[]): void => {
      if (events.some(fits)) isHeard.resolve(undefined);
    };
    // Both the past and what comes: something between the two would be missed otherwise.
    const subscription = this.manager.onDidApply(({ sessionId, events }) => {
      if (sessionId === id) listen(events);
    });
    for await (const event of this.manager.events(id)) listen([event]);
    await isHeard.promise;
    subscription.dispose();
  }

  /** Hands a task to a lead's team. */
  assign(
    leadId: string,
    task: string,
    options: Omit<Assignment, 'leadId' | 'task'> = {},
  ): Promise<AssignmentOutcome> {
    return this.routing.assigner.assign({ leadId, task, ...options });
  }

  /** The handoff with this number. */
  handoff(id: number): Handoff {
    const handoff = this.store.handoffs.get(id);
    assert.ok(handoff, `there is no handoff ${id}`);
    return handoff;
  }

  /** The handoff and its message as one line: who sent it to whom, for what, and where it stands. */
  lineOf(id: number): string {
    const { from, to, purpose, state } = this.handoff(id);
    const isRead = this.store.messages.get(id)?.isRead;
    return `${from} -> ${to} ${purpose} ${state} ${isRead === false ? 'unread' : 'read'}`;
  }

  /** Everything that the state holds about sessions, work and messages, for comparing. */
  contents(): unknown {
    const { sessions, handoffs, messages, activity, attention } = this.store;
    return structuredClone({
      sessions: sessions.list(),
      handoffs: handoffs.links().map(({ id }) => [handoffs.get(id), messages.get(id)]),
      inboxes: sessions.list().map(({ id }) => messages.inbox(id, 1_000)),
      activity: activity.latest(1_000),
      attention: attention.open(),
    });
  }

  /** Sends a handoff as the sender's agent, or a person, would; its number. */
  handOver(
    from: string,
    to: string,
    task: string,
    options: { purpose?: HandoffPurpose; priority?: Priority; deadline?: number } = {},
  ): number {
    const { priority = 'normal', purpose = 'self', deadline } = options;
    return this.routing.messenger.send({
      from,
      to,
      body: { type: 'task_handoff', task, context: '', priority, agentType: undefined },
      purpose,
      deadline,
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
