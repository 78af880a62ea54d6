import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import {
  agent,
  PROTOCOL_VERSION,
  RequestError,
  type AgentApp,
  type AgentContext,
  type ContentBlock,
  type ListSessionsResponse,
  type PromptResponse,
  type StopReason,
} from '@agentclientprotocol/sdk/unstable';
import { deferred } from '../../base/async';
import { messageOf, toError, UserError } from '../../base/errors';
import { act, type Host } from './actions';
import {
  UnknownConversationError,
  type Conversation,
  type ConversationStore,
} from './conversations';
import { isSamePlace } from './folder';
import { shorten } from './introduction';
import { Turn } from './turn';

/** ACP: the session that a request names is not there. */
const RESOURCE_NOT_FOUND = -32002;
/** ACP: the request itself is at fault. */
const INVALID_PARAMS = -32602;
const INVALID_REQUEST = -32600;
/** ACP: the agent is at fault. */
const INTERNAL_ERROR = -32603;

/** A conversation that the client has opened. */
interface OpenConversation {
  readonly conversation: Conversation;
  /** The turn under way. */
  turn: { readonly abort: AbortController; readonly ended: Promise<void> } | undefined;
}

/** The agent's side of ACP: conversations, and one turn at a time in each. */
export class RehearsalAgent {
  private readonly open = new Map<string, OpenConversation>();

  constructor(
    private readonly store: ConversationStore,
    private readonly host: Host,
  ) {}

  /** The handlers of all requests, to be connected to a stream. */
  app(): AgentApp {
    return (
      agent({ name: 'deputy-rehearsal' })
        .onRequest('initialize', () => ({
          protocolVersion: PROTOCOL_VERSION,
          agentInfo: { name: 'deputy-rehearsal', title: 'Rehearsal', version: '1.0.0' },
          agentCapabilities: {
            loadSession: true,
            sessionCapabilities: { list: {}, resume: {}, close: {} },
          },
          authMethods: [],
        }))
        .onRequest('session/new', ({ params }) =>
          this.explained(async () => this.create(params.cwd)),
        )
        .onRequest('session/load', ({ params, client }) =>
          this.explained(async () => {
            await replay(await this.reopen(params.sessionId, params.cwd), client);
            return {};
          }),
        )
        .onRequest('session/resume', ({ params }) =>
          this.explained(async () => {
            await this.reopen(params.sessionId, params.cwd);
            return {};
          }),
        )
        .onRequest('session/list', ({ params }) =>
          this.explained(async () => this.list(params.cwd)),
        )
        .onRequest('session/close', ({ params }) =>
          this.explained(async () => {
            await this.close(params.sessionId);
            return {};
          }),
        )
        // Before session/cancel: handlers are asked in this order, and a cancel may come right behind.
        .onRequest('session/prompt', ({ params, client, signal }) =>
          this.explained(async () =>
            this.prompt(params.sessionId, taskOf(params.prompt), client, signal),
          ),
        )
        .onNotification('session/cancel', ({ params }) =>
          this.open.get(params.sessionId)?.turn?.abort.abort(),
        )
    );
  }

  /** Cancels every turn; settles when all of them, and the programs they run, have ended. */
  async stop(): Promise<void> {
    await Promise.all([...this.open.keys()].map(async (id) => this.close(id)));
  }

  private async create(cwd: string): Promise<{ sessionId: string }> {
    if (!path.isAbsolute(cwd)) throw new UserError(`cwd must be an absolute path, not "${cwd}".`);
    const stat = await fs.stat(cwd).catch(() => undefined);
    if (!stat?.isDirectory()) throw new UserError(`cwd is not a folder: ${cwd}`);
    const conversation = await this.store.create(cwd);
    this.open.set(conversation.id, { conversation, turn: undefined });
    return { sessionId: conversation.id };
  }

  private async reopen(id: string, cwd: string): Promise<Conversation> {
    const conversation = await this.store.read(id);
    if (!(await isSamePlace(conversation.cwd, cwd))) {
      throw new UserError(
        `Conversation ${id} belongs to the folder ${conversation.cwd} and cannot go on in ${cwd}.`,
      );
    }
    if (this.open.get(id)?.turn) throw busy(id);
    this.open.set(id, { conversation, turn: undefined });
    return conversation;
  }

  private async list(cwd: string | null | undefined): Promise<ListSessionsResponse> {
    const sessions: ListSessionsResponse['sessions'] = [];
    for (const found of await this.store.list((error) => this.host.warn(error.message))) {
      const isWanted = typeof cwd !== 'string' || (await isSamePlace(found.cwd, cwd));
      if (!isWanted) continue;
      const [first] = found.turns;
      sessions.push({
        sessionId: found.id,
        cwd: found.cwd,
        updatedAt: found.updatedAt,
        title: first ? shorten(first.prompt) : null,
      });
    }
    return { sessions };
  }

  private async close(id: string): Promise<void> {
    const turn = this.open.get(id)?.turn;
    turn?.abort.abort();
    await turn?.ended;
    this.open.delete(id);
  }

  private async prompt(
    id: string,
    task: string,
    client: AgentContext,
    requestSignal: AbortSignal,
  ): Promise<PromptResponse> {
    const opened = this.open.get(id);
    if (!opened) throw new UnknownConversationError(id);
    if (opened.turn) throw busy(id);
    const abort = new AbortController();
    const ended = deferred<undefined>();
    opened.turn = { abort, ended: ended.promise };
    try {
      const signal = AbortSignal.any([abort.signal, requestSignal]);
      return await this.runTurn(task, new Turn(opened.conversation, signal, client), requestSignal);
    } finally {
      opened.turn = undefined;
      ended.resolve(undefined);
    }
  }

  private async runTurn(
    task: string,
    turn: Turn,
    requestSignal: AbortSignal,
  ): Promise<PromptResponse> {
    const record: Conversation['turns'][number] = { prompt: task, reply: '' };
    turn.conversation.turns.push(record);
    // Before anything is done, so that a crash does not forget what was asked.
    await this.store.save(turn.conversation);
    record.stopReason = 'error';
    let stopReason: StopReason;
    try {
      stopReason = await act(task, turn, this.host);
      record.stopReason = stopReason;
    } catch (error) {
      // Nobody listens any more, so that no update could be sent.
      if (!requestSignal.aborted) throw error;
      stopReason = record.stopReason = 'cancelled';
    } finally {
      record.reply = turn.said;
      await this.store.save(turn.conversation);
    }
    const { tokens } = turn;
    if (tokens === undefined) return { stopReason };
    const outputTokens = Math.floor(tokens / 5);
    return {
      stopReason,
      usage: { totalTokens: tokens, inputTokens: tokens - outputTokens, outputTokens },
    };
  }

  /** Turns what was thrown into the protocol's error, with a message that a person can read. */
  private async explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RequestError) throw error;
      if (error instanceof UnknownConversationError) {
        throw new RequestError(RESOURCE_NOT_FOUND, error.message, { sessionId: error.id });
      }
      if (error instanceof UserError) throw new RequestError(INVALID_PARAMS, error.message);
      this.host.warn(toError(error).stack ?? messageOf(error));
      throw new RequestError(INTERNAL_ERROR, `The rehearsal agent failed: ${messageOf(error)}`);
    }
  }
}

function busy(id: string): RequestError {
  return new RequestError(INVALID_REQUEST, `Conversation ${id} is busy with another prompt.`);
}

/** Tells the client what was said so far, as updates. */
async function replay({ id, turns }: Conversation, client: AgentContext): Promise<void> {
  for (const { prompt, reply } of turns) {
    for (const [sessionUpdate, text] of [
      ['user_message_chunk', prompt],
      ['agent_message_chunk', reply],
    ] as const) {
      if (text === '') continue;
      const update = { sessionUpdate, content: { type: 'text', text } } as const;
      await client.notify('session/update', { sessionId: id, update });
    }
  }
}

function taskOf(prompt: readonly ContentBlock[]): string {
  return prompt
    .map((block) => {
      if (block.type === 'text') return block.text;
      return block.type === 'resource_link' ? `${block.name} (${block.uri})` : '';
    })
    .join('\n');
}
