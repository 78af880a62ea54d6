import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { deferred, within } from '../../base/async';
import { messageOf } from '../../base/errors';
import type { CliFormat } from '../../domain/agent';
import { failedTurn } from '../acp/turnResult';
import type {
  AgentConnection,
  AgentEvent,
  AgentHost,
  AgentPipes,
  OpenRequest,
  TurnResult,
} from '../agentConnection';
import { describeExit } from '../agentExit';
import { followTurn, type TurnEnd } from './cliTurn';
import { commandLine } from './commandLine';
import { signalCommand } from './groupSignal';
import { makeParser, type CliParser } from './parser';

/** Time in which the last line of a command's standard error must have come. */
const LAST_WORDS_MS = 1_000;

/** How a command that works in turns is started. */
export interface CliStart {
  readonly format: CliFormat;
  readonly args: readonly string[];
  /** Absolute folder that it works in. */
  readonly cwd: string;
  /** The conversation to go on with; undefined: begin one. */
  readonly conversationId: string | undefined;
}

/**
 * A conversation with a command that works for one turn and ends. Claude Code and Codex keep their
 * conversations: the next turn is another process, which takes the conversation up again; between
 * turns there is no process. A plain command has one turn, and the session ends with it.
 *
 * A process that has said how its turn ended, well or with an error, leaves the session idle. So does
 * one of a known conversation that ended without saying it: its turn has failed. What ends the session
 * is a signal that nobody here has sent, and a failure before the conversation had a name: the next
 * turn would fare no better. There is nobody to ask for permissions: such a command decides by itself.
 */
export class CliConnection implements AgentConnection {
  readonly openRequests: readonly OpenRequest[] = [];
  private readonly ended = deferred<undefined>();
  readonly closed = this.ended.promise.then(() => undefined);
  private conversationId: string | undefined;
  /** The conversation as this connection has reported it. */
  private reportedId: string | undefined;
  private mode: string | undefined;
  private process: AgentPipes | undefined;
  private isCancelling = false;

  constructor(
    private readonly settings: CliStart,
    private readonly host: AgentHost,
  ) {
    this.conversationId = settings.conversationId;
  }

  get isClosed(): boolean {
    return this.ended.isSettled;
  }

  /** Nothing to do: each turn starts a process, and the first one names the conversation. */
  start(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async prompt(text: string): Promise<TurnResult> {
    this.isCancelling = false;
    const { format, cwd } = this.settings;
    // Commands tell their folder with symbolic links resolved.
    const folder = await fs.realpath(cwd).catch(() => cwd);
    let process: AgentPipes;
    try {
      process = await this.startProcess(text);
    } catch (error) {
      return this.wasCancelled() ? CANCELLED : failedTurn(messageOf(error));
    }
    this.process = process;
    // A cancel may have come while it was being started.
    if (this.wasCancelled()) this.interrupt();
    const parser = makeParser(format, { cwd, idPrefix: `${randomUUID().slice(0, 8)}:` });
    const expectedId = this.conversationId;
    const turn = followTurn(process, parser, {
      onEvents: (events) => {
        const refusal = this.refusalOf(parser, folder, expectedId);
        if (refusal !== undefined) return refusal;
        this.reportConversation(parser.conversationId, expectedId !== undefined);
        for (const event of events) if (this.isNews(event)) this.host.listener.onEvent(event);
        return undefined;
      },
      whenReady: () => this.host.listener.whenReady(),
    });
    const end = await Promise.race([turn, this.ended.promise]);
    this.process = undefined;
    return end ? this.conclude(parser, process, end) : this.lostTurn();
  }

  cancel(): void {
    this.isCancelling = true;
    this.interrupt();
  }

  answerPermission(): boolean {
    return false;
  }

  close(): void {
    this.process?.stdout.destroy();
    this.ended.resolve(undefined);
  }

  /** A cancel may come at any time. */
  private wasCancelled(): boolean {
    return this.isCancelling;
  }

  private interrupt(): void {
    if (this.process) signalCommand(this.process.pid, 'SIGINT');
  }

  private async startProcess(prompt: string): Promise<AgentPipes> {
    const { format, args: own } = this.settings;
    const { conversationId } = this;
    const { args, input } = commandLine({ format, args: own, prompt, conversationId });
    const process = await this.host.spawn({ args, isLast: format === 'plain' });
    process.stdin.end(input);
    return process;
  }

  /**
   * Why a command must not go on: it works elsewhere, or does not know what was said before. Claude
   * Code of some versions gives a conversation another id when it takes it up again: that is a copy
   * with all that was said, and the one to go on with. Codex keeps the id; another one is another
   * conversation.
   */
  private refusalOf(
    parser: CliParser,
    folder: string,
    expectedId: string | undefined,
  ): string | undefined {
    if (parser.folder !== undefined && parser.folder !== folder) {
      return `The agent was to work in ${folder}, but works in ${parser.folder}, so Deputy ended it. Look at what its settings say about its folder.`;
    }
    const { conversationId } = parser;
    const isAnother = conversationId !== undefined && conversationId !== expectedId;
    if (this.settings.format !== 'codex' || expectedId === undefined || !isAnother)
      return undefined;
    return `The agent was to go on with the conversation ${expectedId}, but began another one, so Deputy ended it. Start another session if the conversation is lost.`;
  }

  /** Each process tells its mode again. */
  private isNews(event: AgentEvent): boolean {
    if (event.type !== 'mode') return true;
    const isNews = event.modeId !== this.mode;
    this.mode = event.modeId;
    return isNews;
  }

  private reportConversation(named: string | undefined, isContinued: boolean): void {
    if (named === undefined || named === this.reportedId) return;
    this.conversationId = named;
    this.reportedId = named;
    this.host.listener.onEvent({
      type: 'conversation',
      conversationId: named,
      isContinued,
      canContinue: true,
    });
  }

  private async conclude(
    parser: CliParser,
    process: AgentPipes,
    { exit, refusal }: TurnEnd,
  ): Promise<TurnResult> {
    if (refusal !== undefined) return failedTurn(refusal);
    const { result } = parser;
    if (this.wasCancelled() && result?.stopReason !== 'end_turn') {
      return { ...(result ?? CANCELLED), stopReason: 'cancelled', error: undefined };
    }
    if (result) return result;
    if (this.settings.format === 'plain' && exit.code === 0) {
      return { stopReason: 'end_turn', error: undefined, tokens: undefined };
    }
    await within(process.closed, LAST_WORDS_MS, undefined);
    const isUnheardOf = this.conversationId === undefined && exit.code !== 0;
    if (exit.signal !== undefined || isUnheardOf) this.ended.resolve(undefined);
    const lastLine = process.lastErrorLine;
    const words = lastLine === undefined ? '' : ` Its last message: ${lastLine.slice(0, 500)}`;
    return failedTurn(`The agent ended (${describeExit(exit)}) before its turn was over.${words}`);
  }

  private lostTurn(): TurnResult {
    return this.wasCancelled()
      ? CANCELLED
      : failedTurn('The agent ended before its turn was over.');
  }
}

const CANCELLED: TurnResult = { stopReason: 'cancelled', error: undefined, tokens: undefined };
