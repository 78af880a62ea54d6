import { spawn, type ChildProcessByStdio } from 'node:child_process';
import * as path from 'node:path';
import { Readable, Transform, Writable } from 'node:stream';
import * as acp from '@agentclientprotocol/sdk/unstable';
import { LineSplitter } from '../../src/base/lines';

/** How a process ended, as its `exit` event says. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type ChunkKind = 'agent_message_chunk' | 'agent_thought_chunk' | 'user_message_chunk';

/** The built rehearsal agent in a process of its own, and the client's side of its connection. */
export class RehearsalClient {
  /** Every update so far, in order. */
  readonly updates: acp.SessionUpdate[] = [];
  /** Lines on standard output that are no messages of the protocol. */
  readonly strayLines: string[] = [];
  /** Everything the agent wrote to standard error. */
  stderr = '';
  /** How a request for permission is answered; until set, it is rejected. */
  answer: (request: acp.RequestPermissionRequest) => Promise<acp.RequestPermissionOutcome> =
    async () => ({ outcome: 'selected', optionId: 'reject' });
  readonly exited: Promise<Exit>;

  private readonly connection: acp.ClientConnection;
  private readonly waiting = new Set<() => void>();

  private constructor(readonly child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.wake();
    });
    this.connection = acp
      .client({ name: 'test' })
      .onNotification('session/update', ({ params }) => {
        this.updates.push(params.update);
        this.wake();
      })
      .onRequest('session/request_permission', async ({ params }) => ({
        outcome: await this.answer(params),
      }))
      .connect(
        acp.ndJsonStream(
          Writable.toWeb(child.stdin),
          Readable.toWeb(child.stdout.pipe(this.inspect())),
        ),
      );
  }

  /** Starts the agent with its conversations in `home`, and initializes the connection. */
  static async start(home: string): Promise<RehearsalClient> {
    const child = spawn(process.execPath, [path.resolve('dist/rehearsal.js')], {
      env: { ...process.env, DEPUTY_REHEARSAL_HOME: home },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // What is sent to an agent that has just ended goes nowhere.
    child.stdin.on('error', () => undefined);
    const client = new RehearsalClient(child);
    await client.agent.request('initialize', {
      protocolVersion: acp.PROTOCOL_VERSION,
      clientCapabilities: {},
    });
    return client;
  }

  /** The agent's side, for requests of any kind. */
  get agent(): acp.ClientConnection['agent'] {
    return this.connection.agent;
  }

  /** All that the agent said so far. */
  get text(): string {
    return this.textOf('agent_message_chunk');
  }

  /** The text of all updates of one kind. */
  textOf(kind: ChunkKind): string {
    return this.updates
      .filter((update) => isChunk(update))
      .filter(({ sessionUpdate }) => sessionUpdate === kind)
      .map(({ content }) => (content.type === 'text' ? content.text : ''))
      .join('');
  }

  /** Begins a conversation and returns its id. */
  async begin(cwd: string): Promise<string> {
    return (await this.agent.request('session/new', { cwd, mcpServers: [] })).sessionId;
  }

  /** Sends a script, one command an argument, and waits for the turn's end. */
  async prompt(sessionId: string, ...lines: string[]): Promise<acp.PromptResponse> {
    const prompt: acp.ContentBlock[] = [{ type: 'text', text: lines.join('\n') }];
    return this.agent.request('session/prompt', { sessionId, prompt });
  }

  /** Cancels the turn under way. */
  async cancel(sessionId: string): Promise<void> {
    await this.agent.notify('session/cancel', { sessionId });
  }

  /** Settles as soon as `look` finds something; looks after each update and each piece of stderr. */
  async until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = look();
        if (found === undefined) return;
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** What the tool calls are known to be, each put together from all its updates. */
  get toolCalls(): acp.ToolCallUpdate[] {
    const calls = new Map<string, acp.ToolCallUpdate>();
    for (const update of this.updates) {
      if (update.sessionUpdate !== 'tool_call' && update.sessionUpdate !== 'tool_call_update') {
        continue;
      }
      calls.set(update.toolCallId, { ...calls.get(update.toolCallId), ...update });
    }
    return [...calls.values()];
  }

  /** Ends the agent's input and waits until it has exited. */
  async end(): Promise<Exit> {
    this.child.stdin.end();
    return this.exited;
  }

  /** Kills the agent if it still runs, and waits until it has exited. */
  async dispose(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** Passes standard output on and looks at its lines. */
  private inspect(): Transform {
    const lines = new LineSplitter((line) => {
      if (!line.startsWith('{"jsonrpc":"2.0"')) this.strayLines.push(line);
    });
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        lines.push(chunk);
        done(undefined, chunk);
      },
    });
  }

  private wake(): void {
    for (const check of [...this.waiting]) check();
  }
}

function isChunk(
  update: acp.SessionUpdate,
): update is Extract<acp.SessionUpdate, { sessionUpdate: ChunkKind }> {
  return /^(agent_message|agent_thought|user_message)_chunk$/.test(update.sessionUpdate);
}
