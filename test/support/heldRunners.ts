import { deferred, type Deferred } from '../../src/base/async';
import { UserError } from '../../src/base/errors';
import { Emitter } from '../../src/base/event';
import type { EventBody, SessionEvent, StopIntent } from '../../src/domain/events';
import type { Session } from '../../src/domain/session';
import { LetGoError } from '../../src/session/errors';
import type {
  EventTail,
  FirstPrompt,
  LaunchableAgent,
  RunnerLink,
  RunnerLookup,
  RunnerPort,
} from '../../src/session/ports';

/**
 * Runners without processes, which do nothing by themselves: a start that was asked for waits until
 * the test lets it succeed or fail, and an agent that is there takes a prompt and says nothing more
 * than the test has it say.
 */
export class HeldRunners implements RunnerPort {
  private readonly held = new Map<string, HeldRunner>();
  private hasEnded = false;

  /** Never settles by itself. */
  async launch(session: Session, _agent: LaunchableAgent, first: FirstPrompt): Promise<void> {
    if (this.hasEnded) throw new LetGoError(session.id);
    await this.of(session.id).hold(first);
  }

  async find(sessionId: string): Promise<RunnerLookup> {
    const runner = this.of(sessionId);
    return runner.presence === 'alive'
      ? { presence: 'alive', link: runner.connect() }
      : { presence: runner.presence };
  }

  async *readEvents(sessionId: string, fromSeq: number): AsyncGenerator<SessionEvent> {
    yield* this.of(sessionId).events.filter(({ seq }) => seq >= fromSeq);
  }

  async readTail(sessionId: string): Promise<EventTail> {
    return { events: this.of(sessionId).events, isCut: false };
  }

  async sweep(sessionId: string): Promise<number> {
    this.of(sessionId).sweeps += 1;
    return 0;
  }

  /** The runner of a session, whether it was started or not. */
  of(sessionId: string): HeldRunner {
    let runner = this.held.get(sessionId);
    if (!runner) {
      runner = new HeldRunner();
      this.held.set(sessionId, runner);
    }
    return runner;
  }

  /** From now on nothing is held back any more: starts end without a result, as when a window closes. */
  end(): void {
    this.hasEnded = true;
    for (const [id, runner] of this.held) {
      runner.refuse(new LetGoError(id));
      runner.letPromptsGo();
    }
  }

  /** The next window asks. */
  begin(): void {
    this.hasEnded = false;
  }
}

/** One session's runner, as the test wants it to be. */
export class HeldRunner {
  /** What looking for it finds. */
  presence: RunnerLookup['presence'] = 'gone';
  /** All that it has reported. */
  readonly events: SessionEvent[] = [];
  /** Why it takes no prompts; undefined when it does. */
  refusal: string | undefined;
  /** How often what it left behind was ended. */
  sweeps = 0;
  private readonly dropped = new Emitter<void>();
  private start: Deferred<undefined> | undefined;
  private first: Deferred<FirstPrompt> = deferred();
  private gate: Deferred<undefined> | undefined;
  private readonly asked = new Emitter<void>();
  private readonly said = new Emitter<SessionEvent>();

  /** A start was asked for; settles when the test says so. */
  async hold(first: FirstPrompt): Promise<void> {
    this.start = deferred();
    this.first.resolve(first);
    await this.start.promise;
  }

  /** What the agent is to be told first, as soon as its start was asked for. */
  whenAsked(): Promise<FirstPrompt> {
    return this.first.promise;
  }

  /** Lets the start succeed, once it was asked for: the agent is there and has its first prompt. */
  async begin(): Promise<void> {
    const { commandId, text } = await this.first.promise;
    this.first = deferred();
    this.presence = 'alive';
    this.report({ type: 'runner-started', pid: 1, version: 1 });
    this.report({ type: 'agent-started', pid: 2, program: 'held' });
    this.report({ type: 'turn-started', commandId, prompt: text });
    this.start?.resolve(undefined);
  }

  /** Has the start fail. */
  refuse(why: Error): void {
    this.first = deferred();
    this.start?.reject(why);
  }

  /** Ends the turn that is under way. */
  endTurn(stopReason: 'end_turn' | 'refusal' = 'end_turn'): void {
    const turn = this.events.findLast((event) => event.type === 'turn-started');
    const commandId = turn?.type === 'turn-started' ? turn.commandId : '';
    this.report({ type: 'turn-ended', commandId, stopReason, error: undefined, tokens: undefined });
  }

  /**
   * From now on prompts wait, without a word from the runner.
   * @returns settles when the first one has come
   */
  holdPrompts(): Promise<void> {
    this.gate = deferred();
    return new Promise((resolve) => {
      const subscription = this.asked.event(() => {
        subscription.dispose();
        resolve();
      });
    });
  }

  /** The prompts that wait, and all to come, get through. */
  letPromptsGo(): void {
    this.gate?.resolve(undefined);
    this.gate = undefined;
  }

  /** Its agent ends as it should not. */
  die(detail: string): void {
    this.presence = 'gone';
    this.report({ type: 'exit', reason: 'failed', code: 1, signal: undefined, detail });
  }

  /** Its connections end. */
  drop(): void {
    this.dropped.fire();
  }

  /** Reports an event as the agent's runner would. */
  report(body: EventBody): void {
    const event = { ...body, seq: this.events.length + 1, at: Date.now() };
    this.events.push(event);
    this.said.fire(event);
  }

  /** The prompts that the agent has got, the first one included. */
  get prompts(): readonly string[] {
    return this.events.flatMap((event) => (event.type === 'turn-started' ? [event.prompt] : []));
  }

  connect(): RunnerLink {
    let hearing: { dispose(): void } | undefined;
    return {
      lastSeq: this.events.length,
      onDidClose: this.dropped.event,
      subscribe: async (fromSeq, onEvent) => {
        for (const event of this.events) if (event.seq >= fromSeq) onEvent(event);
        hearing = this.said.event(onEvent);
      },
      prompt: async (commandId, prompt) => {
        this.asked.fire();
        if (this.refusal !== undefined) throw new UserError(this.refusal);
        await this.gate?.promise;
        this.report({ type: 'turn-started', commandId, prompt });
      },
      answer: async (_commandId, requestId, optionId) =>
        this.report({ type: 'permission-answered', requestId, optionId }),
      cancel: async () => undefined,
      stop: async (_commandId, intent) => this.stop(intent),
      acknowledge: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
      close: () => hearing?.dispose(),
    };
  }

  private stop(intent: StopIntent): void {
    this.presence = 'gone';
    this.report({
      type: 'exit',
      reason: intent === 'stop' ? 'stopped' : 'completed',
      code: 0,
      signal: undefined,
      detail: undefined,
    });
  }
}
