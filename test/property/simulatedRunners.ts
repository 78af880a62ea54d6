import { RunnerConnectionLostError } from '../../src/agents/runnerClient';
import { UserError } from '../../src/base/errors';
import { Emitter } from '../../src/base/event';
import type { Clock } from '../../src/domain/clock';
import type { EventBody, SessionEvent, StopIntent, StopReason } from '../../src/domain/events';
import type { FirstPrompt, RunnerLink, RunnerLookup, RunnerPort } from '../../src/session/ports';
import type { Passage } from './passage';
import { turns } from './turns';

/** How an agent's life ends by itself. `killed`: its runner with it, without a word. */
export type Death = 'failed' | 'completed' | 'killed';

/** How the next launch fails. `no-runner`: none comes up; `no-agent`: its agent does not start. */
export type LaunchFailure = 'no-runner' | 'no-agent';

/** One session's detached runner and its log, which outlive any host. */
class SimulatedRunner {
  readonly events: SessionEvent[] = [];
  readonly links = new Set<SimulatedLink>();
  /** Ids of commands that were acted on; an id counts once, over all lives. */
  private readonly doneIds = new Set<string>();
  isAlive = false;
  isHidden = false;
  isReady = false;
  isEnding = false;
  losesNextReply = false;
  turn: { readonly commandId: string; readonly task: string } | undefined;

  constructor(
    readonly sessionId: string,
    private readonly clock: Clock,
    private readonly onPrompt: (task: string, commandId: string) => void,
  ) {}

  append(body: EventBody): void {
    this.events.push({ ...body, seq: this.events.length + 1, at: this.clock() });
    for (const link of this.links) link.wake();
  }

  /** @throws {UserError} when its agent cannot take it */
  prompt({ commandId, text }: FirstPrompt): void {
    if (this.doneIds.has(commandId)) return;
    if (this.isEnding) throw new UserError('The session is ending and takes no more prompts.');
    if (!this.isReady) throw new UserError('The agent is still starting.');
    if (this.turn) throw new UserError('The agent is still working on the prompt before this one.');
    this.doneIds.add(commandId);
    const task = text.split('\n', 1)[0] ?? '';
    this.turn = { commandId, task };
    this.onPrompt(task, commandId);
    this.append({ type: 'turn-started', commandId, prompt: text });
  }

  endTurn(stopReason: StopReason): void {
    if (!this.turn) return;
    const { commandId, task } = this.turn;
    this.turn = undefined;
    if (stopReason === 'end_turn') this.append({ type: 'text', text: `Done: ${task}` });
    const error = stopReason === 'error' ? 'The agent answered with an error.' : undefined;
    this.append({ type: 'turn-ended', commandId, stopReason, error, tokens: 1 });
  }

  exit(reason: 'completed' | 'stopped' | 'failed' | 'start-failed'): void {
    this.endTurn('cancelled');
    this.append({ type: 'exit', reason, code: 0, signal: undefined, detail: `It ${reason}.` });
    this.die();
    for (const link of this.links) link.closeAfterLast();
  }

  /** Connections end before what is under way arrives. */
  dropLinks(): void {
    for (const link of this.links) link.lose();
  }

  die(): void {
    this.isAlive = false;
    this.isReady = false;
    this.isEnding = false;
    this.isHidden = false;
    this.turn = undefined;
  }
}

/** One connection of one host to a runner. */
class SimulatedLink implements RunnerLink {
  readonly lastSeq: number;
  private readonly closed = new Emitter<void>();
  readonly onDidClose = this.closed.event;
  private onEvent: ((event: SessionEvent) => void) | undefined;
  private nextSeq = 1;
  private isAwake = false;
  private isClosed = false;
  private isClosing = false;

  constructor(
    private readonly runner: SimulatedRunner,
    private readonly passage: Passage,
  ) {
    this.lastSeq = runner.events.length;
    runner.links.add(this);
  }

  async subscribe(fromSeq: number, onEvent: (event: SessionEvent) => void): Promise<void> {
    await this.passage.pass();
    this.assertOpen();
    this.nextSeq = fromSeq;
    this.onEvent = onEvent;
    this.wake();
    await this.passage.pass();
  }

  prompt(commandId: string, text: string): Promise<void> {
    return this.send(() => this.runner.prompt({ commandId, text }));
  }

  answer(): Promise<void> {
    return this.send(() => undefined);
  }

  cancel(): Promise<void> {
    return this.send(() => this.runner.endTurn('cancelled'));
  }

  stop(_commandId: string, intent: StopIntent): Promise<void> {
    return this.send(() => {
      const { runner, passage } = this;
      if (runner.isEnding) return;
      runner.isEnding = true;
      runner.append({ type: 'stop-requested', intent });
      void passage.outlast(async () => {
        await turns(2);
        if (runner.isAlive) runner.exit(intent === 'finish' ? 'completed' : 'stopped');
      });
    });
  }

  acknowledge(): void {
    // Its log is kept as a whole.
  }

  pause(): void {
    // It never has much to say.
  }

  resume(): void {
    // See pause().
  }

  close(): void {
    this.isClosed = true;
    this.runner.links.delete(this);
  }

  /** Hands out what is new, soon. */
  wake(): void {
    if (this.isAwake || this.isClosed || !this.onEvent) return;
    this.isAwake = true;
    void this.passage.outlast(async () => {
      await turns(1);
      this.isAwake = false;
      const { events } = this.runner;
      while (!this.isClosed && this.passage.isOpen && this.nextSeq <= events.length) {
        const event = events[this.nextSeq++ - 1];
        if (event) this.onEvent?.(event);
      }
      if (this.isClosing) this.lose();
    });
  }

  closeAfterLast(): void {
    this.isClosing = true;
    this.wake();
    if (!this.onEvent) this.lose();
  }

  lose(): void {
    if (this.isClosed) return;
    this.close();
    if (this.passage.isOpen) this.closed.fire();
  }

  private async send(act: () => void): Promise<void> {
    await this.passage.pass();
    this.assertOpen();
    act();
    if (this.runner.losesNextReply) {
      this.runner.losesNextReply = false;
      this.lose();
    }
    await this.passage.pass();
    if (this.isClosed) this.assertOpen();
  }

  private assertOpen(): void {
    if (this.isClosed || !this.runner.isAlive)
      throw new RunnerConnectionLostError('The connection to the runner ended.');
  }
}

/** The runners of all sessions, as the machine has them whoever looks. */
export class SimulatedRunners {
  private readonly runners = new Map<string, SimulatedRunner>();
  private readonly failures: LaunchFailure[] = [];
  /** How often agents were given each task. */
  readonly prompted = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  /** Those that live. */
  get alive(): readonly SimulatedRunner[] {
    return [...this.runners.values()].filter(({ isAlive }) => isAlive);
  }

  /** Those whose agents are at work. */
  get working(): readonly SimulatedRunner[] {
    return this.alive.filter(({ turn }) => turn !== undefined);
  }

  /** Those that do not answer. */
  get hidden(): readonly SimulatedRunner[] {
    return this.alive.filter(({ isHidden }) => isHidden);
  }

  get(sessionId: string): SimulatedRunner | undefined {
    return this.runners.get(sessionId);
  }

  /** What happens to an agent. */
  end(runner: SimulatedRunner, death: Death): void {
    if (death === 'killed') {
      runner.die();
      runner.dropLinks();
    } else {
      runner.exit(death);
    }
  }

  /** The runner does not answer from now on, though it lives; or it does again. */
  hide(runner: SimulatedRunner, isHidden: boolean): void {
    runner.isHidden = isHidden;
    if (isHidden) runner.dropLinks();
  }

  failNextLaunch(failure: LaunchFailure): void {
    this.failures.push(failure);
  }

  /** From now on, launches succeed. */
  heal(): void {
    this.failures.length = 0;
    for (const runner of this.runners.values()) runner.losesNextReply = false;
    for (const runner of this.hidden) this.hide(runner, false);
  }

  /** What one host sees of them. */
  port(passage: Passage): RunnerPort {
    return {
      launch: async ({ id }, _agent, first) => {
        await passage.pass();
        await this.launch(id, first, passage);
        await passage.pass();
      },
      find: async (id) => {
        await passage.pass();
        const found = this.find(id, passage);
        await passage.pass();
        return found;
      },
      readEvents: (id, fromSeq) => this.read(id, fromSeq, passage),
      readTail: async (id) => ({ events: this.runners.get(id)?.events ?? [], isCut: false }),
      sweep: async () => {
        await passage.pass();
        return 0;
      },
    };
  }

  private async launch(id: string, first: FirstPrompt, passage: Passage): Promise<void> {
    const runner = this.runners.get(id) ?? this.make(id);
    if (runner.isAlive) throw new Error(`The runner of ${id} was started though it lives.`);
    const failure = this.failures.shift();
    if (failure === 'no-runner') throw new UserError('The runner did not come up.');
    runner.isAlive = true;
    runner.append({ type: 'runner-started', pid: 1, version: 1 });
    if (failure === 'no-agent') {
      runner.exit('start-failed');
      return;
    }
    runner.append({ type: 'agent-started', pid: 2, program: '/bin/agent' });
    void passage.outlast(async () => {
      await turns(passage.random.below(4));
      if (!runner.isAlive || runner.isEnding) return;
      runner.isReady = true;
      runner.append({
        type: 'conversation',
        conversationId: `c-${id}`,
        isContinued: false,
        canContinue: false,
      });
      runner.prompt(first);
    });
  }

  private make(id: string): SimulatedRunner {
    const runner = new SimulatedRunner(id, this.clock, (task) =>
      this.prompted.set(task, (this.prompted.get(task) ?? 0) + 1),
    );
    this.runners.set(id, runner);
    return runner;
  }

  private find(id: string, passage: Passage): RunnerLookup {
    const runner = this.runners.get(id);
    if (!runner?.isAlive) return { presence: 'gone' };
    if (runner.isHidden) return { presence: 'unknown' };
    return { presence: 'alive', link: new SimulatedLink(runner, passage) };
  }

  private async *read(
    id: string,
    fromSeq: number,
    passage: Passage,
  ): AsyncGenerator<SessionEvent, void, undefined> {
    await passage.pass();
    yield* (this.runners.get(id)?.events ?? []).slice(fromSeq - 1);
  }
}
