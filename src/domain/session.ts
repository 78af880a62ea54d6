import { UserError } from '../base/errors';
import type { ConversationTotals, ExitReason, PermissionOption } from './events';

/** Every state a session can be in, in the order of its life. */
export const SESSION_STATES = [
  'pending',
  'running',
  'idle',
  'completed',
  'failed',
  'stopped',
] as const;

/**
 * - `pending`: accepted, its agent not started yet
 * - `running`: a turn of its agent is under way
 * - `idle`: the turn has ended and the agent can take another
 * - `completed`: finished, by the agent or by a person
 * - `failed`: could not start, or ended otherwise than it should
 * - `stopped`: a person stopped it
 */
export type SessionState = (typeof SESSION_STATES)[number];

/** Who started a session: a person (`lead`) or routing (`worker`). */
export type SessionRole = 'lead' | 'worker';

/** Whether a session's process is there. `unknown` is treated as alive. */
export type Presence = 'alive' | 'asleep' | 'gone' | 'unknown';

/** The git worktree that a session works in. */
export interface Worktree {
  /** Absolute path of the worktree. */
  readonly path: string;
  /** Branch that was made for the session. */
  readonly branch: string;
  /** Branch that it was made from; undefined when HEAD was detached. */
  readonly baseBranch: string | undefined;
  /** Commit that it was made from, 40 hexadecimal digits. */
  readonly baseCommit: string;
}

/** A question of an agent that only a person may answer. */
export interface PermissionRequest {
  readonly requestId: string;
  /** What the agent wants to do, in one line. */
  readonly title: string;
  /** Kind of the tool, see `ToolCall`. */
  readonly kind: string;
  /** Absolute paths of the files that it is about. */
  readonly locations: readonly string[];
  /** What the tool is to be given, cut to what a person would read; undefined when it is not known. */
  readonly input: string | undefined;
  readonly options: readonly PermissionOption[];
}

/** What a session has used and done so far. */
export interface SessionMetrics {
  readonly tokensUsed: number;
  readonly toolCalls: number;
  readonly filesChanged: number;
  /** Sum of the time spent in turns, in seconds. */
  readonly durationSecs: number;
  /** US dollars, of the turns whose cost is known; undefined when that of none is. */
  readonly costUsd: number | undefined;
}

/** One piece of work that an agent does, or did, for somebody. */
export interface Session {
  /** 8 hexadecimal digits, in lower case; any other text that is read from storage is accepted. */
  readonly id: string;
  readonly task: string;
  readonly agentType: string;
  /** Absolute path of the folder that the agent works in. */
  readonly workingDir: string;
  readonly state: SessionState;
  readonly role: SessionRole;
  readonly presence: Presence;
  /** Process id of the agent while it is known to run. */
  readonly pid: number | undefined;
  readonly worktree: Worktree | undefined;
  /** What its worktree was, after a person had it cleaned up; its branch may still be there. */
  readonly formerWorktree: Worktree | undefined;
  /** Top folder of the checkout that the worktree was made from; undefined without one. */
  readonly repository: string | undefined;
  /** The agent's own name for the conversation. */
  readonly conversationId: string | undefined;
  /** Another process of its agent could take the conversation up again. */
  readonly canContinue: boolean;
  /** What the conversation had used when its last turn ended; undefined when that is not known. */
  readonly totals: ConversationTotals | undefined;
  /** The handoff that it was created for; it takes it with its first turn. */
  readonly initialHandoffId: number | undefined;
  /** What its agent asks a person right now, oldest first; kept over a reload. */
  readonly requests: readonly PermissionRequest[];
  /** Why it failed, or what to know about how it ended. */
  readonly reason: string | undefined;
  /** How its agent's process ended last; undefined while there is one, or never was. */
  readonly ending: ExitReason | undefined;
  /** `seq` of the last event of its runner that is part of this record. */
  readonly appliedSeq: number;
  readonly metrics: SessionMetrics;
  /** When the turn that is under way began, in milliseconds since 1970. */
  readonly turnStartedAt: number | undefined;
  /** When its agent did something last, in milliseconds since 1970. */
  readonly lastEventAt: number | undefined;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds since 1970; changes with the state, not with output. */
  readonly updatedAt: number;
}

const TRANSITIONS: Readonly<Record<SessionState, readonly SessionState[]>> = {
  pending: ['running', 'failed', 'stopped'],
  running: ['idle', 'completed', 'failed', 'stopped'],
  idle: ['running', 'completed', 'failed', 'stopped'],
  completed: ['stopped'],
  failed: ['stopped'],
  stopped: [],
};

/** A change of state that the state machine does not allow. */
export class InvalidTransitionError extends UserError {
  override name = 'InvalidTransitionError';

  constructor(
    readonly from: SessionState,
    readonly to: SessionState,
  ) {
    super(`Invalid session state transition: ${from} -> ${to}`);
  }
}

/** True when a session may go from one state to the other; staying is always allowed. */
export function canTransition(from: SessionState, to: SessionState): boolean {
  return from === to || TRANSITIONS[from].includes(to);
}

/** @throws {InvalidTransitionError} when the state machine does not allow it */
export function assertTransition(from: SessionState, to: SessionState): void {
  if (!canTransition(from, to)) throw new InvalidTransitionError(from, to);
}

/** True while the session has, or is about to have, an agent: pending, running or idle. */
export function isActive(state: SessionState): boolean {
  return state === 'pending' || state === 'running' || state === 'idle';
}

/** The word a person reads for a state. */
export function stateLabel(state: SessionState): string {
  return state.charAt(0).toUpperCase() + state.slice(1);
}
