/**
 * What a runner saw, normalised: the same vocabulary for every agent and protocol. One JSON object a
 * line in `events.ndjson`, numbered without gaps from 1.
 */
export type SessionEvent = EventHeader & EventBody;

/** What every event carries. */
export interface EventHeader {
  /** Running number within the session, from 1. */
  readonly seq: number;
  /** When the runner saw it, in milliseconds since 1970. */
  readonly at: number;
}

/** Each kind of event with what belongs to it. */
export type EventBody =
  /** The runner lives; from now on its socket answers. `marker` is in the environment of all it starts. */
  | { readonly type: 'runner-started'; readonly pid: number; readonly version: number }
  /** The agent's process was started. */
  | { readonly type: 'agent-started'; readonly pid: number; readonly program: string }
  /** The agent named its own conversation. */
  | {
      readonly type: 'conversation';
      readonly conversationId: string;
      /** It is one from before, which the agent has taken up again. */
      readonly isContinued: boolean;
      /** The agent says that another process of it could take the conversation up again. */
      readonly canContinue: boolean;
    }
  /** The agent was given a prompt. */
  | { readonly type: 'turn-started'; readonly commandId: string; readonly prompt: string }
  /** Something the agent says; a piece of a message, not a line. */
  | { readonly type: 'text'; readonly text: string }
  /** Something the agent thinks aloud. */
  | { readonly type: 'thought'; readonly text: string }
  /** The agent uses a tool; comes once per `toolCallId`. */
  | ({ readonly type: 'tool-call'; readonly toolCallId: string } & ToolCall)
  /** News of a tool call; only what has changed is there. */
  | ({ readonly type: 'tool-update'; readonly toolCallId: string } & Partial<ToolCall>)
  /** The agent waits for a person's answer. */
  | {
      readonly type: 'permission-requested';
      readonly requestId: string;
      readonly toolCallId: string;
      readonly title: string;
      /** Kind of the tool, see {@link ToolCall.kind}. */
      readonly kind: string;
      /** Absolute paths of the files that it is about. */
      readonly locations: readonly string[];
      /** What the tool is to be given, as text cut to what a person would read; undefined when not told. */
      readonly input: string | undefined;
      readonly options: readonly PermissionOption[];
    }
  /** The question was settled: by an answer, or because the turn was cancelled or the agent died. */
  | {
      readonly type: 'permission-answered';
      readonly requestId: string;
      /** The chosen option, or undefined when it was cancelled. */
      readonly optionId: string | undefined;
    }
  /** The agent's plan, as a whole, each time it changes. */
  | { readonly type: 'plan'; readonly entries: readonly PlanEntry[] }
  /** The conversation's mode changed. */
  | { readonly type: 'mode'; readonly modeId: string }
  /** The agent's process has ended, and the session goes on without: its next turn starts another. */
  | {
      readonly type: 'agent-ended';
      readonly pid: number;
      readonly code: number | undefined;
      readonly signal: string | undefined;
    }
  /** Cost of the conversation so far, in US dollars; that of a turn is in `turn-ended`. */
  | { readonly type: 'cost'; readonly totalUsd: number }
  /** The agent's account is used up: its provider takes no more for now. */
  | {
      readonly type: 'usage-limit';
      /** When it takes some again, in milliseconds since 1970; undefined when it does not say. */
      readonly resetsAt: number | undefined;
      /** What the agent said of it. */
      readonly text: string;
    }
  /** The turn ended; `stopReason` in the words of ACP, `error` when it ended with one. */
  | {
      readonly type: 'turn-ended';
      readonly commandId: string;
      readonly stopReason: StopReason;
      readonly error: string | undefined;
      /** Tokens of this turn; undefined when the agent does not say. */
      readonly tokens: number | undefined;
      /** US dollars that this turn cost; undefined when the agent does not say. */
      readonly costUsd?: number | undefined;
      /** What later turns of the conversation are counted from; undefined when that is not known. */
      readonly totals?: ConversationTotals | undefined;
    }
  /** A line the agent wrote to its standard error, or one on standard output that is not protocol. */
  | { readonly type: 'stderr'; readonly text: string }
  /** The agent's end was asked for. */
  | { readonly type: 'stop-requested'; readonly intent: StopIntent }
  /** The last event: the agent and all that it started are gone. Its reason is decided once, here. */
  | {
      readonly type: 'exit';
      readonly reason: ExitReason;
      readonly code: number | undefined;
      readonly signal: string | undefined;
      /** One line for a person: what happened and what to do. */
      readonly detail: string | undefined;
    };

/**
 * What a conversation has used so far by its agent's own count, which may go on over several
 * processes of the agent. A count begins at 0 with the conversation; undefined is one that is not known.
 */
export interface ConversationTotals {
  readonly tokens: number | undefined;
  /** US dollars. */
  readonly costUsd: number | undefined;
}

/**
 * Why a turn ended. `error`: the agent answered the prompt with an error; `usage_limit`: its account
 * is used up.
 */
export type StopReason =
  | 'end_turn'
  | 'max_tokens'
  | 'max_turn_requests'
  | 'refusal'
  | 'cancelled'
  | 'error'
  | 'usage_limit';

/** Every reason to ask for an agent's end, see {@link StopIntent}. */
export const STOP_INTENTS = ['finish', 'stop', 'time-out', 'sleep'] as const;

/**
 * What the end is for: `finish` leads to completed, `stop` to stopped, `time-out` to failed; `sleep`
 * leaves the session idle, to be woken by its next turn.
 */
export type StopIntent = (typeof STOP_INTENTS)[number];

/** Every way in which an agent's process can end, see {@link ExitReason}. */
export const EXIT_REASONS = [
  'completed',
  'stopped',
  'asleep',
  'start-failed',
  'failed',
  'timed-out',
  'killed',
  'usage-limit',
  'lost',
] as const;

/**
 * - `completed`: the agent ended by itself with exit code 0, or a person finished the session
 * - `stopped`: a person stopped it
 * - `asleep`: it was idle for long; the next turn wakes it
 * - `start-failed`: the program could not be started, or did not become ready
 * - `failed`: the agent ended by itself otherwise
 * - `timed-out`: it was silent, or at work, for longer than is allowed
 * - `killed`: a signal that was not ours ended it
 * - `usage-limit`: it ended because its account is used up
 * - `lost`: its runner was killed, so that nobody saw how it ended; no runner reports this
 */
export type ExitReason = (typeof EXIT_REASONS)[number];

/** What the agent does with a tool. */
export interface ToolCall {
  readonly title: string;
  /** ACP's kinds: read, edit, delete, move, search, execute, think, fetch, switch_mode, other. */
  readonly kind: string;
  readonly status: ToolStatus;
  /** Absolute paths of the files it is about. */
  readonly locations: readonly string[];
  /** Text that the tool put out, cut to what a person would read. */
  readonly output: string | undefined;
}

export type ToolStatus = 'pending' | 'in_progress' | 'completed' | 'failed';

/** One answer that a permission request offers. */
export interface PermissionOption {
  readonly optionId: string;
  readonly name: string;
  readonly kind: 'allow_once' | 'allow_always' | 'reject_once' | 'reject_always';
}

/** One step of an agent's plan. */
export interface PlanEntry {
  readonly content: string;
  readonly status: string;
}
