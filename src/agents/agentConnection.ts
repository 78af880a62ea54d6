import type { Readable, Writable } from 'node:stream';
import type { ConversationTotals, EventBody, StopReason } from '../domain/events';

/** How a turn ended. */
export interface TurnResult {
  readonly stopReason: StopReason;
  /** Why, when `stopReason` is `error`; the agent's words when it is `usage_limit`. */
  readonly error: string | undefined;
  /** Tokens of this turn; undefined when the agent does not say. */
  readonly tokens: number | undefined;
  /** US dollars that this turn cost; undefined when the agent does not say. */
  readonly costUsd?: number | undefined;
  /** What the conversation has used so far, of an agent that counts it as a whole. */
  readonly totals?: ConversationTotals;
}

/**
 * A conversation with a running agent, whatever protocol it speaks. What the agent does comes as
 * events, in order, through the listener that the connection was made with; the begin and end of
 * turns and the settling of permission requests do not: they follow from what is called here.
 */
export interface AgentConnection {
  /**
   * Starts the agent, unless each turn starts one, greets it and opens a conversation; settles when it
   * takes prompts.
   * @returns the conversation; undefined when the agent names it later, as an event, or never
   * @throws {UserError} when the agent refuses, or speaks something else
   */
  start(): Promise<OpenedConversation | undefined>;
  /**
   * Gives the agent a prompt; settles at the end of the turn and never rejects: what goes wrong is
   * the turn's result. One prompt at a time.
   */
  prompt(text: string): Promise<TurnResult>;
  /** Asks the agent to end the turn that is under way. */
  cancel(): void;
  /** The permission requests that wait for an answer now. */
  readonly openRequests: readonly OpenRequest[];
  /**
   * Answers a permission request.
   * @param optionId the chosen option; undefined says that the request was cancelled
   * @returns false when no such request, or no such option, is open
   */
  answerPermission(requestId: string, optionId: string | undefined): boolean;
  /** Settles when the agent can no longer be talked to: it, or {@link close}, ended the connection. */
  readonly closed: Promise<void>;
  readonly isClosed: boolean;
  /** Ends the connection; a turn under way ends with an error. Safe to call twice. */
  close(): void;
}

/** A conversation that an agent has opened; see the event `conversation`. */
export interface OpenedConversation {
  readonly conversationId: string;
  readonly isContinued: boolean;
  readonly canContinue: boolean;
}

/** What a connection needs of the runner. */
export interface AgentHost {
  readonly listener: AgentListener;
  /**
   * Starts a process of the agent in the session's folder; what it writes to its standard error is
   * taken care of.
   * @throws {UserError} when it cannot be started; that ends the session
   */
  spawn(start: AgentStart): Promise<AgentPipes>;
}

/** How a process of an agent is started. */
export interface AgentStart {
  readonly args: readonly string[];
  /** The session ends with this process; else it is one of many. */
  readonly isLast: boolean;
}

/** A process of an agent. */
export interface AgentPipes {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the process itself has ended. */
  readonly exited: Promise<AgentExit>;
  /** Settles when its output has come to an end, too. */
  readonly closed: Promise<void>;
  /** The last line on its standard error that tells a person something. */
  readonly lastErrorLine: string | undefined;
}

/** How a process ended: exactly one of the two is there. */
export interface AgentExit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** A permission request that waits. */
export interface OpenRequest {
  readonly requestId: string;
  readonly optionIds: readonly string[];
}

/** What a connection reports; a part of all events. */
export type AgentEvent = Extract<
  EventBody,
  {
    readonly type:
      | 'conversation'
      | 'text'
      | 'thought'
      | 'tool-call'
      | 'tool-update'
      | 'permission-requested'
      | 'plan'
      | 'mode'
      | 'cost'
      | 'usage-limit'
      | 'stderr';
  }
>;

/** Where a connection puts what it hears. */
export interface AgentListener {
  onEvent(event: AgentEvent): void;
  /** The agent no longer waits for an answer to this request: it withdrew it, or its turn has ended. */
  onRequestWithdrawn(requestId: string): void;
  /** Settles when more can be taken; the agent's output is not read before. */
  whenReady(): Promise<void>;
}
