import type { ExitReason, StopIntent } from '../domain/events';
import type { AgentExit } from '../agents/agentConnection';
import { describeExit } from '../agents/agentExit';

/** Why a session ends. The first cause wins: what follows from it is no news. */
export type Cause =
  /** Somebody asked for it. */
  | { readonly kind: 'stop'; readonly intent: StopIntent }
  /** The program could not be started. */
  | { readonly kind: 'not-started'; readonly why: string }
  /** The program runs, but did not open a conversation. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'not-ready'; readonly afterMs: number }
  /** The agent's process ended by itself, or because its only turn was cancelled. */
  | { readonly kind: 'ended'; readonly wasReady: boolean; readonly isCancelled?: boolean }
  /** The agent closed its output but did not end. */
  | { readonly kind: 'disconnected' }
  /** Events could not be written. */
  | { readonly kind: 'log-failed'; readonly why: string }
  /** The runner itself failed. */
  | { readonly kind: 'defect'; readonly why: string };

/** What is known of the agent at the end. */
export interface LastWords {
  readonly program: string;
  readonly exit: AgentExit | undefined;
  /** The last line that it wrote to its standard error. */
  readonly errorLine: string | undefined;
  /** Its only turn ended because its account is used up; default false. */
  readonly isUsedUp?: boolean;
}

/** How a session's end is reported: the reason, and a line for a person who must do something. */
export function reportExit(
  cause: Cause,
  words: LastWords,
): { readonly reason: ExitReason; readonly detail: string | undefined } {
  const { program } = words;
  switch (cause.kind) {
    case 'stop':
      return { reason: STOP_REASONS[cause.intent], detail: STOP_DETAILS[cause.intent] };
    case 'not-started':
      return { reason: 'start-failed', detail: withErrorLine(cause.why, words) };
    case 'refused': {
      const why = `"${program}" did not open a conversation: ${cause.why.replace(/[.\s]*$/, '.')} If it needs a sign-in, run it in a terminal first.`;
      return { reason: 'start-failed', detail: withErrorLine(why, words) };
    }
    case 'not-ready': {
      const why = `"${program}" was not ready within ${formatSeconds(cause.afterMs)}. Run it in a terminal to see what it waits for, for example a sign-in.`;
      return { reason: 'start-failed', detail: withErrorLine(why, words) };
    }
    case 'ended': {
      if (!cause.wasReady) {
        const why = `"${program}" ended (${describeExit(words.exit)}) before it was ready. Run it in a terminal to see why.`;
        return { reason: 'start-failed', detail: withErrorLine(why, words) };
      }
      if (cause.isCancelled) return { reason: 'stopped', detail: undefined };
      if (words.isUsedUp) {
        const why = `"${program}" ended (${describeExit(words.exit)}) because its account is used up for now.`;
        return { reason: 'usage-limit', detail: withErrorLine(why, words) };
      }
      if (words.exit?.code === 0) return { reason: 'completed', detail: undefined };
      const why = `"${program}" ended unexpectedly (${describeExit(words.exit)}).`;
      const isKilled = words.exit?.signal !== undefined;
      return { reason: isKilled ? 'killed' : 'failed', detail: withErrorLine(why, words) };
    }
    case 'disconnected': {
      const why = `"${program}" closed its output without ending, so Deputy ended it.`;
      return { reason: 'failed', detail: withErrorLine(why, words) };
    }
    case 'log-failed':
      return {
        reason: 'failed',
        detail: `The session was ended because its events could not be written: ${cause.why}`,
      };
    case 'defect':
      return { reason: 'failed', detail: `The session's runner failed: ${cause.why}` };
  }
}

const STOP_REASONS: Readonly<Record<StopIntent, ExitReason>> = {
  finish: 'completed',
  stop: 'stopped',
  'time-out': 'timed-out',
  sleep: 'asleep',
};

const STOP_DETAILS: Readonly<Record<StopIntent, string | undefined>> = {
  finish: undefined,
  stop: undefined,
  'time-out': 'It took longer than is allowed.',
  sleep: undefined,
};

function withErrorLine(why: string, { errorLine }: LastWords): string {
  if (errorLine === undefined || why.includes(errorLine)) return why;
  return `${why} Its last message: ${errorLine.slice(0, 500)}`;
}

function formatSeconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 1000)} s`;
}
