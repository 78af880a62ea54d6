import type { AgentProtocol, CliFormat } from './agent';
import type { ConversationTotals, SessionEvent, StopIntent } from './events';

export { MARKER_VARIABLE } from '../base/processMarker';

/**
 * What the extension host and a runner say to each other, one JSON object a line, over the runner's
 * local socket. A runner outlives updates of the extension, so every change here needs a new number
 * and an answer for the old one. Both sides speak the version that the runner was launched with.
 *
 * Version 2 added the commands `applied` and `stop` for `time-out` and `sleep`, conversations that are
 * continued, details of requests, and the cost of turns.
 */
export const RUNNER_PROTOCOL_VERSION = 2;

/** The oldest version that is still understood, on both sides. */
const OLDEST_RUNNER_VERSION = 1;

/** True for a version that is understood. */
export function isRunnerVersion(version: unknown): version is number {
  return (
    typeof version === 'number' &&
    Number.isInteger(version) &&
    version >= OLDEST_RUNNER_VERSION &&
    version <= RUNNER_PROTOCOL_VERSION
  );
}

/** Files of a session's folder; more of events lie beside the first one, see `eventSegments.ts`. */
export const EVENTS_FILE = 'events.ndjson';
/** All events of a session that was completed before there were segments. */
export const EVENTS_ARCHIVE = 'events.ndjson.gz';
export const LAUNCH_FILE = 'launch.json';

/**
 * What a runner needs to start, in {@link LAUNCH_FILE} (0600) instead of on its command line. The
 * runner empties `env` and `task` as soon as it has read them; the rest is how it is found again.
 */
export interface LaunchData {
  readonly version: number;
  readonly sessionId: string;
  /** Value of `MARKER_VARIABLE` for everything that the runner starts. */
  readonly marker: string;
  /** Where the runner listens: a Unix socket or a named pipe. */
  readonly socket: string;
  /** Whoever knows it may command the runner. */
  readonly controlToken: string;
  readonly protocol: AgentProtocol;
  /** How output is read; counts for `cli` alone. */
  readonly format: CliFormat;
  /** Absolute path, or a name that is looked up in PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** Set on top of the runner's own environment; may hold secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path of the folder that the agent works in. */
  readonly cwd: string;
  /** The conversation to take up again, in the agent's own words; undefined: begin one. */
  readonly conversationId: string | undefined;
  /** What that conversation has used so far; undefined: not known. */
  readonly totals?: ConversationTotals | undefined;
  /** `seq` of the last event that the extension has applied; what comes before is not needed again. */
  readonly appliedSeq: number;
  /** The first prompt, and the id under which it is recorded; an empty one is not given. */
  readonly task: string;
  readonly taskCommandId: string;
  /** Time that each step of the stop ladder is given, in milliseconds. */
  readonly graceMs: number;
  /** Time from the agent's start until it must be ready for a prompt, in milliseconds. */
  readonly startTimeoutMs: number;
  /** Time without a turn after which the agent is put to sleep, in milliseconds; 0: never. */
  readonly idleLimitMs: number;
  /** Longest time that a turn may take, waits for a person left out, in milliseconds; 0: any. */
  readonly longestTurnMs: number;
  /** Added by the runner once it has read the rest: its process id. */
  readonly runnerPid?: number;
}

/** First line of a client; anything else, or a wrong token, ends the connection. */
export interface ClientHello {
  readonly hello: { readonly token: string; readonly version: number };
}

/** Answer to the hello. `seq` is that of the last event so far. */
export interface RunnerWelcome {
  readonly welcome: { readonly sessionId: string; readonly version: number; readonly seq: number };
}

/**
 * A command. `id` is chosen by the client and unique within the session; a runner acts on one id
 * once, also when it is sent again over another connection.
 */
export type RunnerCommand = { readonly id: string } & (
  | { readonly command: 'subscribe'; readonly fromSeq: number }
  | { readonly command: 'prompt'; readonly text: string }
  | { readonly command: 'answer'; readonly requestId: string; readonly optionId: string }
  | { readonly command: 'cancel' }
  /** All events up to this one are applied and durable: the runner may drop them when it must. */
  | { readonly command: 'applied'; readonly seq: number }
  | { readonly command: 'stop'; readonly intent: StopIntent }
);

/** Answer to a command: accepted (what comes of it are events), or refused with the reason. */
export type RunnerReply =
  | { readonly reply: string; readonly ok: true }
  | { readonly reply: string; readonly ok: false; readonly error: string };

/** What a runner sends. */
export type RunnerMessage = RunnerWelcome | RunnerReply | { readonly event: SessionEvent };
