import type {
  AgentContext,
  PermissionOption,
  RequestPermissionOutcome,
  RequestPermissionResponse,
  SessionUpdate,
  ToolCallContent,
  ToolKind,
} from '@agentclientprotocol/sdk/unstable';
import { delay } from '../../base/async';
import { messageOf } from '../../base/errors';
import type { Conversation } from './conversations';

/** Words that are sent in one piece, as a model would send a few tokens at a time. */
const WORDS_PER_PIECE = 3;
/** Most of a reply that is kept, in UTF-16 units. */
const KEPT_REPLY_CHARS = 64 * 1024;

/** A use of a tool, as it is announced. */
export interface ToolAnnouncement {
  readonly title: string;
  readonly kind: ToolKind;
  /** Absolute path of the file that it is about. */
  readonly path?: string;
  readonly input?: unknown;
}

/** How the use of a tool ended. */
export interface ToolResult {
  readonly status: 'completed' | 'failed';
  readonly content: ToolCallContent[];
  readonly output?: unknown;
}

/** One turn of a conversation: what the actions of a script use to speak with the client. */
export class Turn {
  private toolCalls = 0;
  private reply = '';
  private paceMs = 0;
  private tokensUsed: number | undefined;

  /** @param signal aborts when the turn is cancelled, and when the connection or the agent ends */
  constructor(
    readonly conversation: Conversation,
    readonly signal: AbortSignal,
    private readonly client: AgentContext,
  ) {}

  /** Absolute path of the folder that the conversation works in. */
  get cwd(): string {
    return this.conversation.cwd;
  }

  /** What was said in this turn so far, cut to what is worth keeping. */
  get said(): string {
    return this.reply;
  }

  /** Tokens of this turn, or undefined when none were told. */
  get tokens(): number | undefined {
    return this.tokensUsed;
  }

  /** From now on waits `ms` milliseconds after each piece of text. */
  setPace(ms: number): void {
    this.paceMs = ms;
  }

  /** Says a line, in pieces; stops early when the turn is cancelled. */
  async say(line: string): Promise<void> {
    await this.speak('agent_message_chunk', `${line}\n`);
  }

  /** Thinks a line aloud, in pieces; stops early when the turn is cancelled. */
  async think(line: string): Promise<void> {
    await this.speak('agent_thought_chunk', `${line}\n`);
  }

  /** Says one piece as it is and keeps no record of it. Settles when the transport has taken it. */
  async sayUnrecorded(text: string): Promise<void> {
    await this.update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
  }

  /** Sends any update. */
  async update(update: SessionUpdate): Promise<void> {
    await this.client.notify('session/update', { sessionId: this.conversation.id, update });
  }

  /**
   * Announces the use of a tool, does the work, and tells how it ended; also when `work` throws.
   * @param work is given the id of the tool call, for updates on the way
   */
  async useTool(
    announcement: ToolAnnouncement,
    work: (toolCallId: string) => Promise<ToolResult>,
  ): Promise<void> {
    const toolCallId = this.nextToolCallId();
    const { title, kind, path, input } = announcement;
    await this.update({
      sessionUpdate: 'tool_call',
      toolCallId,
      title,
      kind,
      status: 'in_progress',
      locations: path === undefined ? [] : [{ path }],
      rawInput: input,
    });
    let result: ToolResult;
    try {
      result = await work(toolCallId);
    } catch (error) {
      const content = [textContent(messageOf(error))];
      await this.update({
        sessionUpdate: 'tool_call_update',
        toolCallId,
        status: 'failed',
        content,
      });
      throw error;
    }
    const { status, content, output } = result;
    await this.update({
      sessionUpdate: 'tool_call_update',
      toolCallId,
      status,
      content,
      rawOutput: output,
    });
  }

  /** Asks a person. Cancelled when the client says so, and when the turn is. */
  async askPermission(
    title: string,
    options: PermissionOption[],
  ): Promise<RequestPermissionOutcome> {
    const toolCallId = this.nextToolCallId();
    const call = { toolCallId, title, kind: 'other', status: 'pending' } as const;
    await this.update({ sessionUpdate: 'tool_call', ...call });
    const answer: Promise<RequestPermissionResponse> = this.client.request(
      'session/request_permission',
      {
        sessionId: this.conversation.id,
        toolCall: call,
        options,
      },
    );
    const { outcome } = await Promise.race([answer, this.cancelledAnswer()]);
    const isAllowed =
      outcome.outcome === 'selected' &&
      options.some(
        ({ optionId, kind }) => optionId === outcome.optionId && kind.startsWith('allow'),
      );
    await this.update({
      sessionUpdate: 'tool_call_update',
      toolCallId,
      status: isAllowed ? 'completed' : 'failed',
    });
    return outcome;
  }

  /** Adds to what this turn and its conversation used, and tells the client. */
  async addUsage(tokens: number, usd: number | undefined, windowTokens: number): Promise<void> {
    const { conversation } = this;
    this.tokensUsed = (this.tokensUsed ?? 0) + tokens;
    conversation.tokens += tokens;
    // Sums of decimal fractions are cut back to what was meant: 0.1 + 0.2 is 0.3.
    if (usd !== undefined)
      conversation.costUsd = Number(((conversation.costUsd ?? 0) + usd).toFixed(9));
    const { costUsd } = conversation;
    await this.update({
      sessionUpdate: 'usage_update',
      used: conversation.tokens,
      size: windowTokens,
      ...(costUsd === undefined ? {} : { cost: { amount: costUsd, currency: 'USD' } }),
    });
  }

  private nextToolCallId(): string {
    this.toolCalls += 1;
    return `call-${this.conversation.turns.length}-${this.toolCalls}`;
  }

  private async speak(
    sessionUpdate: 'agent_message_chunk' | 'agent_thought_chunk',
    text: string,
  ): Promise<void> {
    for (const piece of piecesOf(text)) {
      if (this.signal.aborted) return;
      await this.update({ sessionUpdate, content: { type: 'text', text: piece } });
      if (sessionUpdate === 'agent_message_chunk') {
        this.reply = (this.reply + piece).slice(0, KEPT_REPLY_CHARS);
      }
      if (this.paceMs > 0) await delay(this.paceMs, this.signal);
    }
  }

  private async cancelledAnswer(): Promise<{ outcome: RequestPermissionOutcome }> {
    const cancelled = { outcome: { outcome: 'cancelled' } } as const;
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve(cancelled);
      else this.signal.addEventListener('abort', () => resolve(cancelled), { once: true });
    });
  }
}

/** Text as the content of a tool call. */
export function textContent(text: string): ToolCallContent {
  return { type: 'content', content: { type: 'text', text } };
}

function piecesOf(text: string): string[] {
  const words = text.match(/\s*\S+\s*|\s+/g) ?? [];
  const pieces: string[] = [];
  for (let start = 0; start < words.length; start += WORDS_PER_PIECE) {
    pieces.push(words.slice(start, start + WORDS_PER_PIECE).join(''));
  }
  return pieces;
}
