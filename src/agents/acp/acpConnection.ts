import * as acp from '@agentclientprotocol/sdk/unstable';
import { deferred } from '../../base/async';
import { messageOf, UserError } from '../../base/errors';
import type {
  AgentConnection,
  AgentHost,
  AgentListener,
  AgentPipes,
  OpenedConversation,
  OpenRequest,
  TurnResult,
} from '../agentConnection';
import { cut, isObject, objectOf, textOf, type JsonObject } from './json';
import { messageStream } from './messageStream';
import { CANCELLED, PermissionDesk, readOptions } from './permissions';
import { failedTurn, readTurnResult } from './turnResult';
import { modeEvent, readInput, UpdateTranslator } from './updates';

/** How an agent that speaks ACP is started. */
export interface AcpStart {
  readonly args: readonly string[];
  /** Absolute folder that the agent works in. */
  readonly cwd: string;
}

/**
 * A conversation over the Agent Client Protocol, version 1. Offers neither files nor terminals, so
 * that agents use their own; requests for them are answered with "method not found".
 * @see https://agentclientprotocol.com/protocol/overview
 */
export class AcpConnection implements AgentConnection {
  private readonly ended = deferred<undefined>();
  readonly closed = this.ended.promise.then(() => undefined);
  /** Undefined until the agent's process is there. */
  private connection: acp.ClientConnection | undefined;
  private readonly translator: UpdateTranslator;
  private readonly permissions = new PermissionDesk();
  private readonly listener: AgentListener;
  private conversationId: string | undefined;
  private isCancelling = false;
  private hasToldOfForeign = false;

  constructor(
    private readonly settings: AcpStart,
    private readonly host: AgentHost,
  ) {
    this.listener = host.listener;
    this.translator = new UpdateTranslator(settings.cwd);
  }

  get openRequests(): readonly OpenRequest[] {
    return this.permissions.open;
  }

  get isClosed(): boolean {
    return this.connection?.signal.aborted ?? false;
  }

  async start(): Promise<OpenedConversation> {
    const { args } = this.settings;
    const process = await this.host.spawn({ args, isLast: true });
    this.connection = this.connect(process);
    void this.connection.closed.then(() => this.ended.resolve(undefined));
    return this.openConversation();
  }

  private connect({ stdin, stdout }: AgentPipes): acp.ClientConnection {
    const { listener } = this;
    const stream = messageStream(stdin, stdout, {
      onUpdate: (params) => {
        if (this.isForeign(params)) return;
        for (const event of this.translator.translate(objectOf(params['update']))) {
          listener.onEvent(event);
        }
      },
      onNoise: (text) => listener.onEvent({ type: 'stderr', text }),
      whenReady: () => listener.whenReady(),
    });
    return acp
      .client({ name: 'deputy' })
      .onRequest('session/request_permission', objectOf, ({ params, signal }) =>
        this.askPermission(params, signal),
      )
      .onRequest('*', ({ method }) => {
        throw acp.RequestError.methodNotFound(method);
      })
      .onNotification('*', () => undefined)
      .connect(stream);
  }

  private async openConversation(): Promise<OpenedConversation> {
    const greeting = objectOf(
      await this.request('initialize', {
        protocolVersion: acp.PROTOCOL_VERSION,
        clientInfo: { name: 'deputy', title: 'Deputy', version: '1' },
        clientCapabilities: {
          fs: { readTextFile: false, writeTextFile: false },
          terminal: false,
        },
      }),
    );
    if (greeting['protocolVersion'] !== acp.PROTOCOL_VERSION) {
      throw new UserError(
        `It speaks version ${String(greeting['protocolVersion'])} of the Agent Client Protocol; Deputy speaks version ${acp.PROTOCOL_VERSION}. Install a version of the agent that fits.`,
      );
    }
    const session = objectOf(
      await this.request('session/new', { cwd: this.settings.cwd, mcpServers: [] }),
    );
    const conversationId = textOf(session['sessionId']);
    if (conversationId === undefined) {
      throw new UserError('It opened a conversation without naming it.');
    }
    this.conversationId = conversationId;
    for (const event of modeEvent(objectOf(session['modes'])['currentModeId'])) {
      this.listener.onEvent(event);
    }
    return { conversationId, isContinued: false, canContinue: false };
  }

  async prompt(text: string): Promise<TurnResult> {
    this.isCancelling = false;
    try {
      const result = await this.agent.request('session/prompt', {
        sessionId: this.conversationId ?? '',
        prompt: [{ type: 'text', text }],
      });
      return readTurnResult(result);
    } catch (error) {
      return this.isClosed ? this.brokenTurn() : failedTurn(describe(error));
    } finally {
      // An agent that has ended its turn takes no answers for it any more.
      for (const { requestId } of this.permissions.open) {
        if (this.permissions.settle(requestId, undefined)) {
          this.listener.onRequestWithdrawn(requestId);
        }
      }
    }
  }

  cancel(): void {
    this.isCancelling = true;
    const sent = this.connection?.agent.notify('session/cancel', {
      sessionId: this.conversationId ?? '',
    });
    // It fails only when the connection has ended, and then there is nothing left to cancel.
    sent?.catch(() => undefined);
  }

  answerPermission(requestId: string, optionId: string | undefined): boolean {
    return this.permissions.settle(requestId, optionId);
  }

  close(): void {
    this.connection?.close();
    if (!this.connection) this.ended.resolve(undefined);
  }

  /** The result of a turn whose agent has gone. */
  private brokenTurn(): TurnResult {
    if (this.isCancelling) return { stopReason: 'cancelled', error: undefined, tokens: undefined };
    return failedTurn('The agent ended before its turn was over.');
  }

  private get agent(): acp.ClientConnection['agent'] {
    if (!this.connection) throw new Error('The agent was not started.');
    return this.connection.agent;
  }

  private async request(method: string, params: JsonObject): Promise<unknown> {
    try {
      return await this.agent.request(method, params);
    } catch (error) {
      throw new UserError(describe(error), { cause: error });
    }
  }

  /** True for what is about another conversation than ours: it is left out, and that is told once. */
  private isForeign(params: JsonObject): boolean {
    const id = textOf(params['sessionId']);
    if (id === undefined || this.conversationId === undefined || id === this.conversationId) {
      return false;
    }
    if (!this.hasToldOfForeign) {
      this.hasToldOfForeign = true;
      const text = `The agent reports about another conversation (${cut(id, 100)}). Deputy leaves that out.`;
      this.listener.onEvent({ type: 'stderr', text });
    }
    return true;
  }

  private async askPermission(
    params: JsonObject,
    signal: AbortSignal,
  ): Promise<acp.RequestPermissionResponse> {
    if (this.isForeign(params)) return CANCELLED;
    const toolCall = objectOf(params['toolCall']);
    for (const event of this.translator.translateTool(toolCall)) this.listener.onEvent(event);
    // The agent waits for an answer before it ends a turn, cancelled or not.
    if (this.isCancelling) return CANCELLED;
    const toolCallId = textOf(toolCall['toolCallId']) ?? '';
    const title = this.translator.titleOf(toolCallId) ?? textOf(toolCall['title']) ?? 'Permission';
    const options = readOptions(params);
    if (options.length === 0) {
      const text = `Deputy could not show a permission request ("${title}"): none of its options is of a known kind.`;
      this.listener.onEvent({ type: 'stderr', text });
      return CANCELLED;
    }
    const { requestId, answer } = this.permissions.add(options, signal, (withdrawnId) =>
      this.listener.onRequestWithdrawn(withdrawnId),
    );
    const { kind, locations } = this.translator.describe(toolCallId);
    const input = readInput(toolCall);
    this.listener.onEvent({
      type: 'permission-requested',
      requestId,
      toolCallId,
      title,
      kind,
      locations,
      input,
      options,
    });
    return answer;
  }
}

/** What the agent said was wrong; many put the useful part into the error's data. */
function describe(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof acp.RequestError)) return message;
  const data: unknown = error.data;
  const details = isObject(data)
    ? (textOf(data['details']) ?? textOf(data['message']))
    : textOf(data);
  return details === undefined || message.includes(details) ? message : `${message}: ${details}`;
}
