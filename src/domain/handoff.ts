import type { HandoffLink } from './lineage';
import type { Priority } from './message';

/** `self`: the receiver does it, as its next turn; `team`: backlog that its team is to get. */
export type HandoffPurpose = 'self' | 'team';

/**
 * Where a handoff stands.
 * - `queued`: waits in an inbox
 * - `taken`: the agent's turn on it has started, seen as an event
 * - `done`, `failed`: it is over
 * - `routed`: a `team` handoff that routing passed on; it settles when the handoff made for it does
 * - `withdrawn`: nobody is to do it any more, or another handoff has taken its place
 * - `stranded`: everybody who could have it has ended; a person decides
 */
export const HANDOFF_STATES = [
  'queued',
  'taken',
  'done',
  'failed',
  'routed',
  'withdrawn',
  'stranded',
] as const;

export type HandoffState = (typeof HANDOFF_STATES)[number];

/** The record beside each `task_handoff` message; its id is the message's. */
export interface Handoff extends HandoffLink {
  readonly purpose: HandoffPurpose;
  readonly priority: Priority;
  readonly state: HandoffState;
  /** The handoff that this one was made for by routing. */
  readonly originId: number | undefined;
  /** Starts that were tried and never reached `taken`. */
  readonly attempts: number;
  /** Why routing decided so, in words. */
  readonly reason: string | undefined;
  /** Milliseconds since 1970; after it, the handoff has failed. */
  readonly deadline: number | undefined;
  /** Milliseconds since 1970; not before it. */
  readonly after: number | undefined;
  /** The message that brought the result to the sender. */
  readonly resultMessageId: number | undefined;
}

/** How often a handoff is tried that never gets as far as `taken`. */
export const MAX_ATTEMPTS = 3;

/** Time until the next try, in milliseconds: 2 s, then 8 s. @param attempts tries so far, from 1 */
export function retryDelayMs(attempts: number): number {
  return 2_000 * 4 ** (attempts - 1);
}

/**
 * The id of the command that gives a handoff to an agent. It is the same each time the same attempt is
 * sent, and a runner acts on one id once: so no task is given twice, whoever crashes in between.
 */
export function handoffCommandId(handoff: Pick<Handoff, 'id' | 'attempts'>): string {
  return `handoff:${handoff.id}:${handoff.attempts}`;
}

/** The handoff that a command was sent for; undefined for other commands. */
export function handoffIdOf(commandId: string): number | undefined {
  const match = /^handoff:(\d+):\d+$/.exec(commandId);
  return match ? Number(match[1]) : undefined;
}

/** What an agent is told: the task, then what there is to know beside it. */
export function handoffPrompt(task: string, context: string): string {
  return context.trim() === '' ? task : `${task}\n\n${context}`;
}
