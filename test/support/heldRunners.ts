import { deferred, type Deferred } from '../../src/base/async';
import { Emitter } from '../../src/base/event';
import type { EventBody, SessionEvent, StopIntent } from '../../src/domain/events';
import type { Session } from '../../src/domain/session';
import { LetGoError } from '../../src/session/errors';
import type {
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
    const start = deferred<undefined>();
    Object.assign(this.of(session.id), { start, first });
    await start.promise;
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

  async sweep(): Promise<number> {
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
      runner.start?.reject(new LetGoError(id));
      runner.prompted?.reject(new LetGoError(id));
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
  /** The start that is held back. */
  start: Deferred<undefined> | undefined;
  /** What the agent is to be told first, once a start was asked for. */
  first: FirstPrompt | undefined;
  /** Set to have the next prompts wait, without a word, until it is settled. */
  prompted: Deferred<undefined> | undefined;
  private readonly said = new Emitter<SessionEvent>();

  /** Lets the start succeed: the agent is there and has its first prompt. */
  begin(): void {
    const { commandId, text } = this.first ?? { commandId: 'none', text: '' };
    this.presence = 'alive';
    this.report({ type: 'runner-started', pid: 1, version: 1 });
    this.report({ type: 'agent-started', pid: 2, program: 'held' });
    this.report({ type: 'turn-started', commandId, prompt: text });
    this.start?.resolve(undefined);
  }

  /** Has the start fail. */
  refuse(why: Error): void {
    this.start?.reject(why);
  }

  /** Ends the turn that is under way. */
  endTurn(stopReason: 'end_turn' | 'refusal' = 'end_turn'): void {
    const turn = this.events.findLast((event) => event.type === 'turn-started');
    const commandId = turn?.type === 'turn-started' ? turn.commandId : '';
    this.report({ type: 'turn-ended', commandId, stopReason, error: undefined, tokens: undefined });
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
    const closed = new Emitter<void>();
    let hearing: { dispose(): void } | undefined;
    return {
      onDidClose: closed.event,
      subscribe: async (fromSeq, onEvent) => {
        for (const event of this.events) if (event.seq >= fromSeq) onEvent(event);
        hearing = this.said.event(onEvent);
      },
      prompt: async (commandId, prompt) => {
        await this.prompted?.promise;
        this.report({ type: 'turn-started', commandId, prompt });
      },
      answer: async (_commandId, requestId, optionId) =>
        this.report({ type: 'permission-answered', requestId, optionId }),
      cancel: async () => undefined,
      stop: async (_commandId, intent) => this.stop(intent),
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
