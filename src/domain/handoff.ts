import type { HandoffLink } from './lineage';

/** `self`: the receiver does it, as its next turn; `team`: backlog that its team is to get. */
export type HandoffPurpose = 'self' | 'team';

/** Where a handoff stands; see CONTRIBUTING.md. */
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
