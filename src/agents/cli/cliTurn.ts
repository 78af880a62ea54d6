import { delay } from '../../base/async';
import type { AgentEvent, AgentExit, AgentPipes } from '../agentConnection';
import { signalCommand } from './groupSignal';
import { readOutput } from './outputReader';
import type { CliParser } from './parser';

/** Times of a turn, in milliseconds. */
export interface TurnTimes {
  /** Silence after the end of a command that is taken for the end of its output. */
  readonly silenceMs: number;
  /** Time that a command is left to end by itself once it has said how its turn ended. */
  readonly afterResultMs: number;
  /** Time between asking such a command to end and ending it. */
  readonly forceMs: number;
}

const TIMES: TurnTimes = { silenceMs: 1_000, afterResultMs: 10_000, forceMs: 2_000 };

/** What is done with what a command says. */
export interface TurnListener {
  /**
   * Takes events; the parser knows by then what they tell of the conversation.
   * @returns why nothing more of this command is wanted; undefined while it is
   */
  onEvents(events: readonly AgentEvent[]): string | undefined;
  /** Settles when more can be taken. */
  whenReady(): Promise<void>;
}

/** How a command came to its end. */
export interface TurnEnd {
  readonly exit: AgentExit;
  /** Why it was ended before it had done its work. */
  readonly refusal: string | undefined;
}

/**
 * Follows a command from its first output to its end. One that is not wanted any more is killed, and
 * nothing of what it says after that counts; one that has said how its turn ended, but does not end,
 * is ended after a while.
 */
export async function followTurn(
  process: AgentPipes,
  parser: CliParser,
  listener: TurnListener,
  times = TIMES,
): Promise<TurnEnd> {
  let refusal: string | undefined;
  const isOver = new AbortController();
  let isLingering = false;
  const hear = (events: readonly AgentEvent[]): void => {
    if (refusal !== undefined) return;
    refusal = listener.onEvents(events);
    if (refusal !== undefined) signalCommand(process.pid, 'SIGKILL');
    if (!parser.result || isLingering) return;
    isLingering = true;
    void endLingering(process.pid, times, isOver.signal);
  };
  try {
    await readOutput(
      process,
      { take: (chunk) => hear(parser.push(chunk)), whenReady: () => listener.whenReady() },
      times.silenceMs,
    );
    hear(parser.end());
    return { exit: await process.exited, refusal };
  } finally {
    isOver.abort();
  }
}

async function endLingering(
  pid: number,
  { afterResultMs, forceMs }: TurnTimes,
  isOver: AbortSignal,
): Promise<void> {
  const steps = [
    [afterResultMs, 'SIGTERM'],
    [forceMs, 'SIGKILL'],
  ] as const;
  for (const [ms, name] of steps) {
    await delay(ms, isOver);
    if (isOver.aborted) return;
    signalCommand(pid, name);
  }
}
