import type { Event } from '../base/event';
import type { Logger } from '../base/log';
import type { Later } from '../base/timers';
import type { AgentDefinition } from '../domain/agent';
import type { Clock } from '../domain/clock';
import type { SessionEvent, StopIntent } from '../domain/events';
import type { Handoff, HandoffPurpose } from '../domain/handoff';
import type { HandoffLink } from '../domain/lineage';
import type { Message, MessageType } from '../domain/message';
import type { Presence, Session, SessionState, Worktree } from '../domain/session';

/** What the session manager needs from git. All paths are absolute. */
export interface GitPort {
  /**
   * What kind of place `folder` is.
   * @throws {GitMissingError} when git itself is not installed
   */
  inspect(folder: string): Promise<RepositoryState>;
  /**
   * Adds a worktree for a session on a new branch that starts at HEAD, outside the repository's own
   * folder, and checks that path and branch are what was asked for. Leaves nothing behind when it fails.
   * @throws {WorktreeError} naming what is in the way
   */
  addWorktree(repository: string, sessionId: string): Promise<Worktree>;
  /**
   * Removes a worktree, and its branch while that has no commits of its own. Already gone is no error.
   * @throws {WorktreeDirtyError} when it holds changes, untracked files, commits or a nested
   *   repository that would be lost; nothing was removed then
   */
  removeWorktree(repository: string, worktree: Worktree): Promise<void>;
  /** Files in a folder's checkout that are changed or untracked, and not committed. */
  countUncommittedFiles(folder: string): Promise<number>;
  /** Files that differ from the worktree's base: committed, uncommitted and untracked. */
  countChangedFiles(worktree: Worktree): Promise<number>;
}

/** What the session manager needs from the file system. All paths are absolute. */
export interface FolderPort {
  exists(folder: string): Promise<boolean>;
  /** The path without symbolic links. */
  realPath(folder: string): Promise<string>;
}

/** See {@link GitPort.inspect}. */
export type RepositoryState =
  /** Worktrees can be made. `root` is the top folder of the checkout. */
  | { readonly kind: 'repository'; readonly root: string }
  | { readonly kind: 'none' }
  /** A repository in which no worktree can be made; `why` is a sentence for a person. */
  | { readonly kind: 'unusable'; readonly why: string };

/** The durable state. Reads are synchronous and see every write that was made before. */
export interface StateStore {
  readonly sessions: SessionTable;
  readonly messages: MessageTable;
  readonly handoffs: HandoffTable;
  readonly turns: TurnTable;
  readonly toolLog: ToolLogTable;
  readonly attention: AttentionTable;
  readonly activity: ActivityTable;
  readonly meta: MetaTable;
  /** Ids of the sessions that a transaction has changed; fires after it was committed. */
  readonly onDidChange: Event<readonly string[]>;
  /** Runs `change` as one transaction: all of its writes count, or, when it throws, none. */
  mutate<T>(change: () => T): T;
  /**
   * Settles when every write made before the call would survive a crash of the machine.
   * @throws {StorageError} when it cannot be written
   */
  synced(): Promise<void>;
}

/** The sessions. Writes are allowed only inside {@link StateStore.mutate}. */
export interface SessionTable {
  insert(session: Session): void;
  /** Replaces the record that has the same id. */
  update(session: Session): void;
  get(id: string): Session | undefined;
  /** All of them, newest first. */
  list(): readonly Session[];
  /** Up to `limit` ids that begin with `prefix`. */
  idsWithPrefix(prefix: string, limit: number): readonly string[];
  /** Pending sessions, the one that was created first first. */
  pendingIds(): readonly string[];
  /** Sessions with a turn under way. */
  runningIds(): readonly string[];
  /** Number of running or idle sessions that have a worktree. */
  countWorktrees(): number;
  /** The one that changed its state last. */
  latest(): Session | undefined;
  /** Those that have ended, but whose agent may live on: the window died before it could end it. */
  leftoverIds(): readonly string[];
  /** The first `limit` that are pending, running or idle, the one that changed its state last first. */
  activeIds(limit: number): readonly string[];
  /**
   * The receivers of a lead's handoffs that are pending, running or idle.
   * @param agentType only those of this type; undefined: all
   */
  delegatesOf(leadId: string, agentType: string | undefined): readonly DelegateRow[];
  /**
   * Removes the record, and keeps what the lineage says of it.
   * @param label what it was about, in one line
   */
  remove(session: Session, label: string, at: number): void;
  /** The labels of sessions that were removed, by id. */
  deleted(): ReadonlyMap<string, string>;
}

/** What routing needs to know of a delegate. */
export interface DelegateRow {
  readonly id: string;
  readonly agentType: string;
  readonly state: SessionState;
  readonly presence: Presence;
  /** Milliseconds since 1970. */
  readonly updatedAt: number;
  /** Queued handoffs that it is to do itself. */
  readonly load: number;
}

/** The messages between sessions. Writes are allowed only inside {@link StateStore.mutate}. */
export interface MessageTable {
  insert(message: NewMessage): number;
  get(id: number): Message | undefined;
  /** Messages to a session, the newest first. */
  inbox(sessionId: string, limit: number): readonly Message[];
  /** Marks one as read, or unread. */
  setRead(id: number, isRead: boolean): void;
  /** Marks all messages to a session as read that are no handoffs; returns how many were not yet. */
  markAllRead(sessionId: string): number;
  /**
   * Number of unread messages by receiver, handoffs and others alike; receivers without any are not
   * in it.
   */
  unreadCounts(): ReadonlyMap<string, number>;
  /** Unread handoffs: those that are queued or stranded. */
  unreadHandoffCounts(): ReadonlyMap<string, number>;
  /** The same without handoffs. */
  unreadOtherCounts(): ReadonlyMap<string, number>;
  /** Removes the messages to a session whose handoff, if they are one, is over. */
  removeSettled(sessionId: string): void;
}

/** A message before it has its id. */
export interface NewMessage {
  readonly from: string;
  readonly to: string;
  readonly type: MessageType;
  /** JSON, see `encodeMessage`. */
  readonly content: string;
  readonly timestamp: number;
}

/**
 * The handoffs, from which the lineage is derived. Writes are allowed only inside
 * {@link StateStore.mutate}. Lists of queued handoffs are in the order in which they are to be done:
 * priority first, then the oldest.
 */
export interface HandoffTable {
  /** Records that the message `id` is a handoff. */
  insert(handoff: Handoff): void;
  /** Replaces the record that has the same id. */
  update(handoff: Handoff): void;
  get(id: number): Handoff | undefined;
  links(): readonly HandoffLink[];
  /** Sender of the latest handoff to a session that a session sent. */
  parentOf(id: string): string | undefined;
  /** Distinct receivers of a session's handoffs, latest first. */
  childrenOf(id: string, limit: number): readonly string[];
  /** Number of queued handoffs by receiver; receivers without any are not in it. */
  queuedCounts(purpose: HandoffPurpose): ReadonlyMap<string, number>;
  /** Queued handoffs to a session. @param limit default: all */
  queued(to: string, purpose: HandoffPurpose, limit?: number): readonly Handoff[];
  /** Queued handoffs for the receiver itself that `from` sent. */
  queuedFrom(from: string, to: string): readonly Handoff[];
  /** Senders of queued `self` handoffs whose receiver has more than one of them. */
  crowdingSenders(): ReadonlySet<string>;
  /** Receivers of queued `team` handoffs, those with the most first, then the smallest latest id. */
  backlog(limit: number): readonly BacklogRow[];
  /** Handoffs to a session that are queued, taken, routed or stranded, the oldest first. */
  openTo(sessionId: string): readonly Handoff[];
  /** The latest handoff to a session that is for itself, whatever became of it. */
  latestSelf(to: string): Handoff | undefined;
  /** The handoffs that routing made for one, the latest first. */
  madeFor(originId: number): readonly Handoff[];
  /** Queued handoffs whose deadline is not after `now`. */
  pastDeadline(now: number): readonly Handoff[];
  /** Queued `team` handoffs that were tried before and may be tried again at `now`. */
  retryable(now: number): readonly Handoff[];
  /** When the next queued handoff may be tried that may not be yet at `now`. */
  nextPutOff(now: number): number | undefined;
  /** Handoffs that nobody can take, the oldest first. */
  stranded(): readonly Handoff[];
}

/** See {@link HandoffTable.backlog}. */
export interface BacklogRow {
  readonly sessionId: string;
  readonly count: number;
}

/** One prompt and what came of it. Times are in milliseconds since 1970. */
export interface Turn {
  readonly sessionId: string;
  /** The command that the runner acted on; unique within the session. */
  readonly commandId: string;
  readonly handoffId: number | undefined;
  readonly startedAt: number;
  /** Undefined while it is under way. */
  readonly endedAt: number | undefined;
  readonly stopReason: string | undefined;
  /** Undefined when the agent does not say. */
  readonly tokens: number | undefined;
  /** US dollars; undefined when the agent does not say. */
  readonly costUsd: number | undefined;
}

/** The turns of all sessions. */
export interface TurnTable {
  /** Adds a turn, or replaces the one with the same session and command. */
  put(turn: Turn): void;
  get(sessionId: string, commandId: string): Turn | undefined;
  /** The turns of a session, oldest first. */
  list(sessionId: string): readonly Turn[];
  /** The latest turn on a handoff. */
  ofHandoff(sessionId: string, handoffId: number): Turn | undefined;
  removeAll(sessionId: string): void;
}

/** A tool call as it is kept for people, before it has its id. */
export interface NewToolLogEntry {
  readonly sessionId: string;
  readonly toolName: string;
  readonly inputSummary: string;
  readonly outputSummary: string;
  readonly durationMs: number;
  /** From 0 to 1. */
  readonly riskScore: number;
  readonly timestamp: number;
}

/** See {@link NewToolLogEntry}. */
export interface ToolLogEntry extends NewToolLogEntry {
  readonly id: number;
}

/** What agents did with tools. */
export interface ToolLogTable {
  insert(entry: NewToolLogEntry): number;
  /** @param page from 1; the newest entries are on the first */
  page(sessionId: string, page: number, pageSize: number): readonly ToolLogEntry[];
  count(sessionId: string): number;
  removeAll(sessionId: string): void;
}

/** Something that needs a person, before it has its id. */
export interface NewAttentionItem {
  readonly sessionId: string;
  readonly kind: string;
  readonly text: string;
  readonly createdAt: number;
}

/** See {@link NewAttentionItem}. */
export interface AttentionItem extends NewAttentionItem {
  readonly id: number;
  readonly settledAt: number | undefined;
}

/** What needs a person. */
export interface AttentionTable {
  insert(item: NewAttentionItem): number;
  settle(id: number, at: number): void;
  /** What is not settled, oldest first. */
  open(): readonly AttentionItem[];
  removeAll(sessionId: string): void;
}

/** Something that Deputy did or decided, for people to read afterwards. */
export interface ActivityEntry {
  readonly at: number;
  readonly kind: string;
  readonly detail: string;
}

/** What Deputy did by itself. */
export interface ActivityTable {
  insert(entry: ActivityEntry): void;
  /** The newest first. */
  latest(limit: number): readonly ActivityEntry[];
  /** Removes all but the newest. */
  keepNewest(count: number): void;
}

/** Single facts about the state as a whole. */
export interface MetaTable {
  set(key: string, value: string): void;
  get(key: string): string | undefined;
}

/** What is needed to start an agent now: its definition with the program found. */
export interface LaunchableAgent {
  readonly definition: AgentDefinition;
  /** Absolute path of the program. */
  readonly program: string;
}

/** The agents that can be asked for. */
export interface AgentPort {
  definitions(): readonly AgentDefinition[];
  /**
   * @throws {UnsupportedAgentError} when nobody knows the type
   * @throws {AgentMissingError} when its program is not on this machine
   */
  resolve(agentType: string): Promise<LaunchableAgent>;
}

/** Starts runners and finds them again. */
export interface RunnerPort {
  /**
   * Starts the runner of a session, which starts the agent and gives it its first prompt; then
   * {@link find} finds it. One whose agent fails at once may be gone by then: its events tell.
   * @throws {UserError} when the runner does not come up
   */
  launch(session: Session, agent: LaunchableAgent, first: FirstPrompt): Promise<void>;
  /** Looks for the runner of a session that was started earlier. */
  find(sessionId: string): Promise<RunnerLookup>;
  /** The events from `fromSeq` on as they stand in the log; for a runner that is gone. */
  readEvents(sessionId: string, fromSeq: number): AsyncIterable<SessionEvent>;
  /**
   * The last events of a session, about as many as `maxBytes` of its log hold, but at least one when
   * there is any.
   */
  readTail(sessionId: string, maxBytes: number): Promise<EventTail>;
  /** Ends what a dead runner has left behind; settles with the number of processes that were ended. */
  sweep(sessionId: string): Promise<number>;
}

/** See {@link RunnerPort.readTail}. */
export interface EventTail {
  readonly events: readonly SessionEvent[];
  /** Older events were left out, or are no longer kept. */
  readonly isCut: boolean;
}

/** What an agent is told first, and the id under which the runner records it as told. */
export interface FirstPrompt {
  readonly commandId: string;
  readonly text: string;
}

/** See {@link RunnerPort.find}. */
export type RunnerLookup =
  | { readonly presence: 'alive'; readonly link: RunnerLink }
  /** No socket and no process. */
  | { readonly presence: 'gone' }
  /** A process that carries the session's marker lives, but nobody answers. */
  | { readonly presence: 'unknown' };

/** A connection to a living runner. */
export interface RunnerLink {
  /** `seq` of the runner's last event when the connection was made; 0 when there was none. */
  readonly lastSeq: number;
  /** Fires once when the connection has ended, for whatever reason. */
  readonly onDidClose: Event<void>;
  /** Hands out every event from `fromSeq` on, in order, and from then on as they happen. */
  subscribe(fromSeq: number, onEvent: (event: SessionEvent) => void): Promise<void>;
  /** @throws {UserError} with the runner's reason when it refuses */
  prompt(commandId: string, text: string): Promise<void>;
  answer(commandId: string, requestId: string, optionId: string): Promise<void>;
  cancel(commandId: string): Promise<void>;
  /** Settles when the runner has begun; the end itself is an event. */
  stop(commandId: string, intent: StopIntent): Promise<void>;
  /** Everything up to this event is part of the record, and durable: the runner may drop it. */
  acknowledge(seq: number): void;
  /**
   * Reads no more from the runner until {@link resume}, so that it and its agent wait, too. What has
   * been read already is still handed out.
   */
  pause(): void;
  resume(): void;
  close(): void;
}

/**
 * What becomes of the work of sessions whose life goes on. Each is called inside the transaction that
 * changes the session, so that the session and its work change together.
 */
export interface WorkRules {
  /**
   * An event has become part of a session's record. Of output (see `isOutput`) it is told without a
   * transaction, and after a crash perhaps again.
   */
  eventApplied(before: Session, after: Session, event: SessionEvent): void;
  /** A session has ended without an event: its runner is gone, or it never had one. */
  ended(session: Session): void;
  /**
   * A session that had ended is to start again.
   * @throws {UserError} when its work has gone to somebody else meanwhile
   */
  resumed(session: Session): void;
  /** A session is about to be removed. */
  deleted(session: Session): void;
  /**
   * What a session that is about to start is told first.
   * @throws {UserError} when it is too late for its task
   */
  firstPrompt(session: Session): FirstPrompt;
}

/** How much may go on at the same time. */
export interface SessionLimits {
  /** Turns over all sessions. */
  readonly maxRunningTurns: number;
  /** Sessions with a worktree that are running or idle. */
  readonly maxParallelWorktrees: number;
}

/** The parts that session management works with. */
export interface SessionParts {
  readonly store: StateStore;
  readonly runners: RunnerPort;
  readonly agents: AgentPort;
  readonly git: GitPort;
  readonly work: WorkRules;
  readonly limits: () => SessionLimits;
  readonly clock: Clock;
  /** Default: real time. */
  readonly later?: Later;
  /** Default: the real ones. */
  readonly folders?: FolderPort;
  /**
   * Time from a runner's consent to a prompt until the turn must be seen to begin, in milliseconds;
   * default 20,000.
   */
  readonly patienceMs?: number;
  readonly log: Logger;
}
