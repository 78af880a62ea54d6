import { deferred, delay, within } from '../base/async';
import { messageOf, UserError } from '../base/errors';
import { killGroupOrTree, MarkedProcesses } from '../base/processTree';
import type { AgentConnection, AgentStart } from '../agents/agentConnection';
import { agentEnvironment } from '../agents/environment';
import type { ActCommand } from '../agents/runnerClient';
import type { EventBody, StopIntent } from '../domain/events';
import { RUNNER_PROTOCOL_VERSION, type LaunchData } from '../domain/runnerProtocol';
import { AgentProcess } from './agentProcess';
import { CommandDesk } from './commandDesk';
import { Conversation } from './conversation';
import { EventLog, type EventLogOptions } from './eventLog';
import { reportExit, type Cause } from './exitReport';
import { yieldToOthers } from './priority';
import { openConnection } from './protocols';
import { RunnerServer } from './runnerServer';
import { climbStopLadder } from './stopLadder';
import { TurnAccount } from './turnAccount';

/** Time in which an agent's output must come to an end once all its processes are gone. */
const DRAIN_MS = 2_000;

/** One session's life in its runner: start the agent, let it work, end it, report. */
export class SessionRunner {
  private readonly conversation: Conversation;
  private readonly desk: CommandDesk;
  private readonly processes: MarkedProcesses;
  private readonly ending = deferred<Cause>();
  private readonly hurry = new AbortController();
  private cause: Cause | undefined;
  /** The process of the agent that was started last. */
  private agent: AgentProcess | undefined;
  /** Settles when no process of the agent is being started. */
  private starting: Promise<unknown> = Promise.resolve();
  private readonly account: TurnAccount;
  private readonly connection: AgentConnection;

  private constructor(
    private readonly launch: LaunchData,
    private readonly log: EventLog,
  ) {
    const { conversationId, totals } = launch;
    this.account = new TurnAccount({ conversationId, totals });
    this.conversation = new Conversation(log, this.account);
    this.connection = openConnection(launch, {
      listener: this.conversation.listener,
      spawn: (start) => this.spawnAgent(start),
    });
    this.desk = new CommandDesk(log.commandIds, (command) => this.act(command));
    this.processes = new MarkedProcesses(launch.marker);
    log.onDidWrite(() => {
      if (log.failed) this.fail({ kind: 'log-failed', why: log.failed.message });
    });
  }

  /**
   * Opens the session's event log.
   * @param logOptions how it is kept, beside what the launch data say of it; default: see there
   * @throws {UserError} when it cannot be continued
   */
  static async open(
    sessionFolder: string,
    launch: LaunchData,
    logOptions: EventLogOptions = {},
  ): Promise<SessionRunner> {
    const log = await EventLog.open(sessionFolder, {
      appliedSeq: launch.appliedSeq,
      ...logOptions,
    });
    return new SessionRunner(launch, log);
  }

  /**
   * Runs the session to its end.
   * @param onListening called as soon as the socket answers
   * @returns true when the end was recorded and nothing went wrong in the runner itself
   * @throws {UserError} when the socket cannot be opened; the end is recorded then, too
   */
  async run(onListening: () => void): Promise<boolean> {
    const server = await this.listen();
    this.log.append({
      type: 'runner-started',
      pid: process.pid,
      version: RUNNER_PROTOCOL_VERSION,
    });
    onListening();
    // Not waited for: a stop must be heard while the agent still gets ready.
    this.openConversation().catch((error: unknown) =>
      this.end({ kind: 'refused', why: messageOf(error) }),
    );
    const cause = await this.ending.promise;
    const isRecorded = await this.finish(cause);
    await server.close();
    await this.log.close();
    return isRecorded && cause.kind !== 'defect';
  }

  /** Ends the session; a second call does not change why, but hurries. */
  stop(intent: StopIntent): void {
    if (this.cause) {
      this.hurry.abort();
      return;
    }
    this.log.append({ type: 'stop-requested', intent });
    this.end({ kind: 'stop', intent });
  }

  /** Ends the session because it cannot go on: no politeness that would take time. */
  fail(cause: Cause): void {
    this.hurry.abort();
    this.end(cause);
  }

  private async listen(): Promise<RunnerServer> {
    const { socket, sessionId, controlToken } = this.launch;
    try {
      return await RunnerServer.listen(socket, {
        sessionId,
        controlToken,
        log: this.log,
        act: (command) => this.desk.handle(command),
      });
    } catch (error) {
      await this.log.end(this.exitEvent({ kind: 'not-started', why: messageOf(error) }, undefined));
      await this.log.close();
      throw error;
    }
  }

  private async act(command: ActCommand): Promise<void> {
    switch (command.command) {
      case 'prompt':
        return this.conversation.prompt(command.id, command.text);
      case 'answer':
        return this.conversation.answer(command.requestId, command.optionId);
      case 'cancel':
        void this.conversation.cancel();
        return;
      case 'stop':
        this.stop(command.intent);
        return this.log.flush();
    }
  }

  private end(cause: Cause): void {
    if (this.cause) return;
    this.cause = cause;
    this.conversation.beginEnd();
    this.ending.resolve(cause);
  }

  /** Starts a process of the agent; one that cannot be started ends the session. */
  private async spawnAgent(start: AgentStart): Promise<AgentProcess> {
    if (this.cause) throw new UserError('The session is ending.');
    const started = this.startAgent(start);
    this.starting = started.catch(() => undefined);
    return started;
  }

  private async startAgent({ args, isLast }: AgentStart): Promise<AgentProcess> {
    const { command, env, cwd, marker } = this.launch;
    let agent: AgentProcess;
    try {
      agent = await AgentProcess.start(
        { command, args, cwd, env: agentEnvironment(process.env, env, marker) },
        (text) => this.log.append({ type: 'stderr', text }),
        () => this.log.whenRoom(),
      );
    } catch (error) {
      this.end({ kind: 'not-started', why: messageOf(error) });
      throw error;
    }
    this.agent = agent;
    this.processes.addRoot(agent.pid);
    this.log.append({ type: 'agent-started', pid: agent.pid, program: command });
    // What comes from a flooding agent shall not hold up the editor; the agent itself is not slowed.
    if (isLast) yieldToOthers();
    void agent.exited.then((exit) => {
      if (isLast) this.handleExit();
      else this.log.append({ type: 'agent-ended', pid: agent.pid, ...exit });
    });
    return agent;
  }

  private handleExit(): void {
    const wasReady = this.conversation.isOpen;
    // A command that works for one turn ends with it: whoever cancelled the turn wanted that.
    const isCancelled = this.launch.protocol === 'cli' && this.conversation.isCancelling;
    this.end({ kind: 'ended', wasReady, isCancelled });
  }

  /** Settles when the agent has its first prompt, or the session is ending. */
  private async openConversation(): Promise<void> {
    const { startTimeoutMs, task, taskCommandId } = this.launch;
    const { connection } = this;
    const timeUp = new AbortController();
    void delay(startTimeoutMs, timeUp.signal).then(() => {
      if (!timeUp.signal.aborted) this.end({ kind: 'not-ready', afterMs: startTimeoutMs });
    });
    try {
      const opened = await connection.start();
      if (this.cause) return;
      this.conversation.open(connection, opened);
    } catch (error) {
      // The end of its output is seen before the end of the agent, which tells more.
      if (connection.isClosed) await within(this.agentExit(), this.launch.graceMs, undefined);
      throw error;
    } finally {
      timeUp.abort();
    }
    void connection.closed.then(() => this.handleDisconnect());
    if (task === '') return;
    const reply = await this.desk.handle({ id: taskCommandId, command: 'prompt', text: task });
    if (!reply.ok) this.end({ kind: 'log-failed', why: reply.error });
  }

  private async handleDisconnect(): Promise<void> {
    await within(this.agentExit(), this.launch.graceMs, undefined);
    if (this.agent?.exit) this.handleExit();
    else if (this.agent) this.end({ kind: 'disconnected' });
  }

  /** Settles when the agent's process has ended, at once when there is none. */
  private async agentExit(): Promise<void> {
    await this.agent?.exited;
  }

  /** Ends all processes and writes the last events; returns whether they could be written. */
  private async finish(cause: Cause): Promise<boolean> {
    const leftovers = await this.endProcesses();
    // What the agent wrote last is still in its pipes.
    if (this.agent) {
      const drained = [this.agent.closed, this.conversation.whenIdle()];
      await within(Promise.all(drained), DRAIN_MS, undefined);
    }
    this.connection.close();
    await this.conversation.whenIdle();
    const exit = this.exitEvent(cause, leftovers);
    try {
      return await this.log.end(exit);
    } catch {
      return false;
    }
  }

  /** Returns a sentence about what could not be ended; normally nothing. */
  private async endProcesses(): Promise<string | undefined> {
    try {
      // A process that is being started is not in any list yet.
      await this.starting;
      const survivors = await climbStopLadder({
        agent: this.agent,
        processes: this.processes,
        endTurn: () => this.conversation.cancel(),
        graceMs: this.launch.graceMs,
        hurry: this.hurry.signal,
      });
      const pids = survivors.map((info) => info.pid).join(', ');
      return pids === '' ? undefined : `These processes could not be ended: ${pids}.`;
    } catch (error) {
      // Without a list of the processes there is still the group.
      if (this.agent && !this.agent.exit) await killGroupOrTree(this.agent.pid);
      return `Processes of the session may be left: ${messageOf(error)}`;
    }
  }

  private exitEvent(cause: Cause, leftovers: string | undefined): EventBody {
    const exit = this.agent?.exit;
    const { reason, detail } = reportExit(cause, {
      program: this.launch.command,
      exit,
      errorLine: this.agent?.lastErrorLine,
      isUsedUp: this.launch.protocol === 'cli' && this.account.isUsedUp,
    });
    const details = [detail, leftovers].filter((text) => text !== undefined);
    return {
      type: 'exit',
      reason,
      code: exit?.code,
      signal: exit?.signal,
      detail: details.length > 0 ? details.join(' ') : undefined,
    };
  }
}
