import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { connectRunner, type RunnerConnection } from '../../src/agents/runnerClient';
import { launchRunner } from '../../src/agents/runnerLauncher';
import { readEvents } from '../../src/agents/eventFile';
import { deferred, delay } from '../../src/base/async';
import type { ProcessInfo } from '../../src/base/processes/processInfo';
import { findMarked, MarkedProcesses } from '../../src/base/processTree';
import { socketAddress } from '../../src/base/sockets';
import type { SessionEvent } from '../../src/domain/events';
import {
  EVENTS_FILE,
  RUNNER_PROTOCOL_VERSION,
  type LaunchData,
} from '../../src/domain/runnerProtocol';
import { makeTempFolder, removeTempFolder } from './tempFolder';

/** The runner's bundle, as it ships. */
export const RUNNER_PROGRAM = path.resolve('dist/runner.js');

const AGENT_PROGRAM = path.resolve('out/test/fixtures/acpAgent.js');

type EventOf<Type extends SessionEvent['type']> = Extract<SessionEvent, { readonly type: Type }>;

/** One session's folder, runner and clients, for one test. */
export class RunnerStage {
  readonly marker = randomUUID();
  /** Process id of the runner that was started last. */
  runnerPid = 0;
  private readonly connections: RunnerConnection[] = [];

  private constructor(
    readonly folder: string,
    readonly launch: LaunchData,
  ) {}

  /** @param changes what differs from the launch of a normal test agent with nothing to do */
  static async make(behaviour = 'normal', changes: Partial<LaunchData> = {}): Promise<RunnerStage> {
    const folder = await makeTempFolder();
    const cwd = path.join(folder, 'work');
    await fs.mkdir(cwd);
    const launch: LaunchData = {
      version: RUNNER_PROTOCOL_VERSION,
      sessionId: 'cafe0001',
      marker: '',
      socket: socketAddress(folder, `r-${randomBytes(4).toString('hex')}`),
      controlToken: randomBytes(16).toString('hex'),
      protocol: 'acp',
      format: 'plain',
      command: process.execPath,
      args: [AGENT_PROGRAM, behaviour],
      env: {},
      cwd,
      task: 'echo hello',
      taskCommandId: 'task-1',
      graceMs: 1_000,
      startTimeoutMs: 20_000,
      idleLimitMs: 0,
      longestTurnMs: 0,
      conversationId: undefined,
      appliedSeq: 0,
      ...changes,
    };
    const stage = new RunnerStage(folder, launch);
    return Object.assign(stage, { launch: { ...launch, marker: stage.marker } });
  }

  get sessionFolder(): string {
    return path.join(this.folder, 'session');
  }

  get eventsFile(): string {
    return path.join(this.sessionFolder, EVENTS_FILE);
  }

  /** Starts the runner and follows it from its first event. */
  async start(): Promise<EventTap> {
    await this.startRunner();
    return this.follow();
  }

  async startRunner(node = process.execPath): Promise<number> {
    const { sessionFolder, launch } = this;
    const runner = { node, runnerProgram: RUNNER_PROGRAM, sessionFolder, launch };
    this.runnerPid = (await launchRunner(runner)).pid;
    return this.runnerPid;
  }

  async connect(): Promise<RunnerConnection> {
    const { socket, controlToken, version } = this.launch;
    const connection = await connectRunner({ socket, version, token: controlToken });
    this.connections.push(connection);
    return connection;
  }

  async follow(fromSeq = 1): Promise<EventTap> {
    const tap = new EventTap(await this.connect());
    await tap.connection.subscribe(fromSeq, (event) => tap.add(event));
    return tap;
  }

  /** What is in the event file now. */
  async recorded(): Promise<SessionEvent[]> {
    const events: SessionEvent[] = [];
    for await (const event of readEvents(this.sessionFolder)) events.push(event);
    return events;
  }

  /** The session's living processes, the runner among them. */
  living(): Promise<ProcessInfo[]> {
    return findMarked(this.marker);
  }

  /** The session's living processes without the runner. */
  async livingAgents(): Promise<ProcessInfo[]> {
    return (await this.living()).filter((info) => info.pid !== this.runnerPid);
  }

  /** Settles when no process of the session is left; not even the runner. */
  async whenGone(): Promise<void> {
    // The runner is no child of whoever adopted it: there is no event to wait for.
    while ((await this.living()).length > 0) await delay(10);
  }

  /** Ends what is left, and removes the folder. */
  async dispose(): Promise<void> {
    for (const connection of this.connections) connection.close();
    assert.deepEqual(await new MarkedProcesses(this.marker).killAll(), []);
    await removeTempFolder(this.folder);
  }
}

/** Collects the events of one connection and lets a test wait for one. */
export class EventTap {
  readonly events: SessionEvent[] = [];
  private readonly waiting = new Set<(event: SessionEvent) => void>();
  private readonly end = deferred<never>();

  constructor(readonly connection: RunnerConnection) {
    connection.onDidClose(() => this.end.reject(new Error('the runner ended the connection')));
  }

  add(event: SessionEvent): void {
    this.events.push(event);
    for (const look of this.waiting) look(event);
  }

  /** The first event of a kind that fits, past or to come. */
  async next<Type extends SessionEvent['type']>(
    type: Type,
    fits: (event: EventOf<Type>) => boolean = () => true,
  ): Promise<EventOf<Type>> {
    const isWanted = (event: SessionEvent): event is EventOf<Type> =>
      event.type === type && fits(event as EventOf<Type>);
    const known = this.events.find(isWanted);
    if (known) return known;
    const found = deferred<EventOf<Type>>();
    const look = (event: SessionEvent): void => {
      if (isWanted(event)) found.resolve(event);
    };
    this.waiting.add(look);
    try {
      return await Promise.race([found.promise, this.end.promise]);
    } finally {
      this.waiting.delete(look);
    }
  }

  /** The end of the turn that a command began. */
  turnEnd(commandId: string): Promise<EventOf<'turn-ended'>> {
    return this.next('turn-ended', (event) => event.commandId === commandId);
  }

  /** Settles when the runner has ended the connection. */
  async closed(): Promise<void> {
    await this.end.promise.catch(() => undefined);
  }

  /** All that the agent has said since an event. */
  textAfter(seq: number): string {
    return this.events
      .map((event) => (event.type === 'text' && event.seq > seq ? event.text : ''))
      .join('');
  }

  /** Gives the agent a prompt and waits for the end of its turn; returns what it said. */
  async say(commandId: string, text: string): Promise<string> {
    const reply = await this.connection.send({ id: commandId, command: 'prompt', text });
    assert.deepEqual(reply, { reply: commandId, ok: true });
    await this.turnEnd(commandId);
    const start = await this.next('turn-started', (event) => event.commandId === commandId);
    return this.textAfter(start.seq);
  }
}

/** Asserts that events are numbered from `first` without gaps. */
export function assertContiguous(events: readonly SessionEvent[], first = 1): void {
  assert.deepEqual(
    events.map((event) => event.seq),
    events.map((_, index) => first + index),
  );
}
