import { randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { delay } from '../base/async';
import { errorCode, UserError } from '../base/errors';
import { identify, showsEnvironments } from '../base/processes/list';
import type { ProcessInfo } from '../base/processes/processInfo';
import { findMarked, MarkedProcesses } from '../base/processTree';
import { socketAddress } from '../base/sockets';
import type { SessionEvent } from '../domain/events';
import { LAUNCH_FILE, RUNNER_PROTOCOL_VERSION, type LaunchData } from '../domain/runnerProtocol';
import type { Session } from '../domain/session';
import type {
  EventTail,
  FirstPrompt,
  LaunchableAgent,
  RunnerLink,
  RunnerLookup,
  RunnerPort,
} from '../session/ports';
import { readEvents, readTail } from './eventFile';
import {
  connectRunner,
  RunnerConnectError,
  type ActCommand,
  type ConnectionTimes,
  type RunnerConnection,
} from './runnerClient';
import { launchRunner } from './runnerLauncher';

/**
 * Longest time that a runner lives without listening, in milliseconds: before its socket is there, and
 * when it is being killed.
 */
const DEAF_MS = 2_000;

/** Times that a runner is given, in milliseconds; see `LaunchData`. */
export type RunnerTimes = Pick<
  LaunchData,
  'graceMs' | 'startTimeoutMs' | 'idleLimitMs' | 'longestTurnMs'
>;

/** Where runners live and how they are started. */
export interface RunnersOptions {
  /** Holds a folder for each session. */
  readonly sessionsFolder: string;
  /** Private folder with a short path, see `ensureSocketFolder`. */
  readonly socketFolder: string;
  /** The program that runs JavaScript: `process.execPath`. */
  readonly node: string;
  /** Path of the runner's bundle, at a place that outlives updates. */
  readonly runnerProgram: string;
  /** Times that may change between two launches, in milliseconds. */
  readonly times: () => RunnerTimes;
  /** Whose way it is to know processes; default the platform of this process. */
  readonly platform?: NodeJS.Platform;
  /** How long a living runner may take to answer. */
  readonly connection?: ConnectionTimes;
}

/** Starts and finds the detached runners of one workspace. */
export class Runners implements RunnerPort {
  constructor(private readonly options: RunnersOptions) {}

  async launch(session: Session, agent: LaunchableAgent, first: FirstPrompt): Promise<void> {
    const { node, runnerProgram, times } = this.options;
    const launch: LaunchData = {
      version: RUNNER_PROTOCOL_VERSION,
      sessionId: session.id,
      marker: `${session.id}-${randomUUID()}`,
      socket: this.newAddress(),
      controlToken: randomBytes(24).toString('hex'),
      protocol: agent.definition.protocol,
      format: agent.definition.format,
      command: agent.program,
      args: agent.definition.args,
      env: agent.definition.env,
      cwd: session.workingDir,
      conversationId: session.canContinue ? session.conversationId : undefined,
      totals: session.canContinue ? session.totals : undefined,
      appliedSeq: session.appliedSeq,
      task: first.text,
      taskCommandId: first.commandId,
      ...times(),
    };
    await launchRunner({ node, runnerProgram, sessionFolder: this.folder(session.id), launch });
  }

  async find(sessionId: string): Promise<RunnerLookup> {
    const launch = await this.readLaunch(sessionId);
    if (!launch) return { presence: 'gone' };
    const { socket, controlToken: token, version } = launch;
    const giveUpAt = performance.now() + DEAF_MS;
    for (;;) {
      try {
        const address = { sessionId, socket, token, version };
        const connection = await connectRunner(address, this.options.connection);
        return { presence: 'alive', link: link(connection) };
      } catch (error) {
        if (!(error instanceof RunnerConnectError)) throw error;
        if (error.reason !== 'absent') return { presence: 'unknown' };
      }
      if (!(await this.isRunnerAlive(sessionId, launch))) return { presence: 'gone' };
      if (performance.now() > giveUpAt) return { presence: 'unknown' };
      await delay(50);
    }
  }

  readEvents(sessionId: string, fromSeq: number): AsyncIterable<SessionEvent> {
    return readEvents(this.folder(sessionId), fromSeq);
  }

  /** The last events of a session, about `maxBytes` of them, for an output that is shown late. */
  readTail(sessionId: string, maxBytes: number): Promise<EventTail> {
    return readTail(this.folder(sessionId), maxBytes);
  }

  async sweep(sessionId: string): Promise<number> {
    const launch = await this.readLaunch(sessionId);
    if (!launch) return 0;
    const leftovers = new MarkedProcesses(launch.marker);
    if (!showsEnvironments(this.options.platform)) await this.addRecorded(sessionId, leftovers);
    const found = await leftovers.find();
    await leftovers.killAll();
    return found.length;
  }

  /** Where the next runner is to listen. */
  protected newAddress(): string {
    return socketAddress(this.options.socketFolder, `run-${randomBytes(8).toString('hex')}`);
  }

  /**
   * A pid proves nothing by itself. A runner carries the session's marker, and its command line ends
   * with the session's folder, also before it has told of itself. Where the marker cannot be seen, the
   * pid that it has told of must have such a command line.
   */
  private async isRunnerAlive(sessionId: string, launch: LaunchData): Promise<boolean> {
    const folder = this.folder(sessionId);
    if (showsEnvironments(this.options.platform)) {
      return (await findMarked(launch.marker)).some((info) => isRunnerOf(folder, info));
    }
    // The event that tells of it is among the first to be dropped when there are many.
    if (launch.runnerPid !== undefined) return isRunnerOf(folder, await identify(launch.runnerPid));
    for await (const event of this.readEvents(sessionId, 1)) {
      if (event.type !== 'runner-started') continue;
      if (isRunnerOf(folder, await identify(event.pid))) return true;
    }
    return false;
  }

  /** What the runner has told of, for a sweep where no environment tells. */
  private async addRecorded(sessionId: string, leftovers: MarkedProcesses): Promise<void> {
    for await (const event of this.readEvents(sessionId, 1)) {
      if (event.type !== 'runner-started' && event.type !== 'agent-started') continue;
      leftovers.addRecorded(event.pid, event.at);
    }
  }

  private folder(sessionId: string): string {
    return path.join(this.options.sessionsFolder, sessionId);
  }

  private async readLaunch(sessionId: string): Promise<LaunchData | undefined> {
    const file = path.join(this.folder(sessionId), LAUNCH_FILE);
    try {
      return JSON.parse(await fs.readFile(file, 'utf8')) as LaunchData;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}

/**
 * A runner's last argument is its session's folder. Only the end of that is compared: what is above
 * may hold characters that the system shows in its own way.
 */
function isRunnerOf(sessionFolder: string, info: ProcessInfo | undefined): boolean {
  if (!info || info.isZombie) return false;
  const end = sessionFolder.split(path.sep).slice(-2).join(path.sep);
  return info.command.replace(/"$/, '').endsWith(path.sep + end);
}

function link(connection: RunnerConnection): RunnerLink {
  /** Of a release that knew less. */
  const isOld = connection.version < 2;
  const send = async (command: ActCommand): Promise<void> => {
    const reply = await connection.send(command);
    if (!reply.ok) throw new UserError(reply.error);
  };
  return {
    lastSeq: connection.lastSeq,
    onDidClose: connection.onDidClose,
    subscribe: (fromSeq, onEvent) => connection.subscribe(fromSeq, onEvent),
    prompt: (id, text) => send({ id, command: 'prompt', text }),
    answer: (id, requestId, optionId) => send({ id, command: 'answer', requestId, optionId }),
    cancel: (id) => send({ id, command: 'cancel' }),
    stop: (id, intent) =>
      send({ id, command: 'stop', intent: isOld && intent === 'time-out' ? 'stop' : intent }),
    acknowledge: (seq) => connection.acknowledge(seq),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => connection.close(),
  };
}
