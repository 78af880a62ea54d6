import { deferred, type Deferred } from '../base/async';
import { UserError } from '../base/errors';
import type { AgentConnection, AgentListener, OpenedConversation } from '../agents/agentConnection';
import type { EventLog } from './eventLog';
import { TurnAccount } from './turnAccount';

/**
 * The turns of a session's agent and its permission requests: what is asked of the agent goes into
 * the log first, and only then to the agent.
 */
export class Conversation {
  private connection: AgentConnection | undefined;
  private turn: Turn | undefined;
  private isEnding = false;
  /** Requests whose answer is on its way to the log. */
  private readonly beingAnswered = new Set<string>();

  /** @param account what turns used, and why they ended; default one that begins at nothing */
  constructor(
    private readonly log: EventLog,
    private readonly account = new TurnAccount(),
  ) {}

  /** What the agent's connection reports to. */
  readonly listener: AgentListener = {
    onEvent: (event) => {
      this.account.hear(event);
      this.log.append(event);
    },
    onRequestWithdrawn: (requestId) => {
      if (!this.beingAnswered.has(requestId)) this.logAnswer(requestId, undefined);
    },
    whenReady: () => this.log.whenRoom(),
  };

  /** The agent takes prompts from now on. */
  open(connection: AgentConnection, opened: OpenedConversation | undefined): void {
    this.connection = connection;
    if (!opened) return;
    this.account.open(opened);
    this.log.append({ type: 'conversation', ...opened });
  }

  /** True once the agent has been ready for a prompt. */
  get isOpen(): boolean {
    return this.connection !== undefined;
  }

  /**
   * Gives the agent a prompt; settles when that is on record, on the disk. What comes of it are events.
   * @throws {UserError} saying why the agent cannot take it, or that there is no room to record it
   */
  async prompt(commandId: string, text: string): Promise<void> {
    if (this.isEnding) throw new UserError('The session is ending and takes no more prompts.');
    if (!this.connection) throw new UserError('The agent is still starting.');
    if (this.turn) throw new UserError('The agent is still working on the prompt before this one.');
    const turn: Turn = { commandId, isCancelled: false, isGiven: false, ended: deferred() };
    this.turn = turn;
    try {
      await this.log.record({ type: 'turn-started', commandId, prompt: text });
    } catch (error) {
      this.turn = undefined;
      turn.ended.resolve();
      throw error;
    }
    void this.runTurn(this.connection, turn, text);
  }

  /**
   * Passes a person's answer to the agent; settles when it is on record, on the disk.
   * @throws {UserError} when the agent does not wait for it, or there is no room to record it
   */
  async answer(requestId: string, optionId: string): Promise<void> {
    const request = this.connection?.openRequests.find((open) => open.requestId === requestId);
    if (!request || this.beingAnswered.has(requestId)) {
      throw new UserError('The agent no longer waits for an answer to this question.');
    }
    if (!request.optionIds.includes(optionId)) {
      throw new UserError('The agent did not offer this answer.');
    }
    this.beingAnswered.add(requestId);
    try {
      await this.log.record({ type: 'permission-answered', requestId, optionId });
      this.connection?.answerPermission(requestId, optionId);
    } catch (error) {
      this.beingAnswered.delete(requestId);
      this.settleUnanswered(requestId);
      throw error;
    }
    this.beingAnswered.delete(requestId);
  }

  /** Asks the agent to end its turn; settles at the turn's end, at once when there is none. */
  async cancel(): Promise<void> {
    const { turn, connection } = this;
    if (!turn || !connection) return;
    turn.isCancelled = true;
    if (turn.isGiven) {
      this.cancelRequests(connection);
      connection.cancel();
    }
    await turn.ended.promise;
  }

  /** True while a turn is to end, but has not. */
  get isCancelling(): boolean {
    return this.turn?.isCancelled ?? false;
  }

  /** Takes no prompts any more. */
  beginEnd(): void {
    this.isEnding = true;
  }

  /** Settles when no turn is under way. */
  async whenIdle(): Promise<void> {
    await this.turn?.ended.promise;
  }

  private async runTurn(connection: AgentConnection, turn: Turn, text: string): Promise<void> {
    // A cancel may have come while the turn's start was written.
    const isWanted = !turn.isCancelled && !this.isEnding;
    turn.isGiven = isWanted;
    this.account.begin();
    const result = isWanted ? await connection.prompt(text) : NOT_GIVEN;
    const { events, ended } = this.account.settle(result);
    for (const event of events) this.log.append(event);
    this.log.append({ type: 'turn-ended', commandId: turn.commandId, ...ended });
    this.turn = undefined;
    turn.ended.resolve();
  }

  /** Some agents wait for an answer for ever, even when their turn is cancelled. */
  private cancelRequests(connection: AgentConnection): void {
    for (const { requestId } of connection.openRequests) {
      if (this.beingAnswered.has(requestId)) continue;
      this.logAnswer(requestId, undefined);
      connection.answerPermission(requestId, undefined);
    }
  }

  /** Makes up for what passed over a request because its answer was on its way. */
  private settleUnanswered(requestId: string): void {
    const { connection, turn } = this;
    const isOpen = connection?.openRequests.some((open) => open.requestId === requestId);
    if (!isOpen) this.logAnswer(requestId, undefined);
    else if (connection && turn?.isCancelled) this.cancelRequests(connection);
  }

  private logAnswer(requestId: string, optionId: string | undefined): void {
    this.log.append({ type: 'permission-answered', requestId, optionId });
  }
}

const NOT_GIVEN = { stopReason: 'cancelled', error: undefined, tokens: undefined } as const;

interface Turn {
  readonly commandId: string;
  isCancelled: boolean;
  /** The agent has the prompt. */
  isGiven: boolean;
  readonly ended: Deferred<void>;
}
