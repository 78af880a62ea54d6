import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import * as fs from 'node:fs';
import * as readline from 'node:readline';

/** The conversation that every small agent opens. */
const CONVERSATION = 'conversation-1';

/** What an agent does when it is asked something; what it returns is the result. */
export interface SmallAgent {
  readonly initialize?: () => unknown;
  readonly prompt: (text: string) => unknown;
  /** Default: the agent ends. */
  readonly onEnd?: () => void;
}

interface Request {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly prompt?: readonly { readonly text?: string }[] };
}

/**
 * An agent as small as can be, that speaks ACP by hand: the programs in `fixtures/badAgents` do with
 * it what no library would let them do.
 */
export function serve(agent: SmallAgent): void {
  const input = readline.createInterface({ input: process.stdin });
  input.on('line', (line) => void answer(JSON.parse(line) as Request, agent));
  input.on('close', () => (agent.onEnd ? agent.onEnd() : process.exit(0)));
}

async function answer({ id, method, params }: Request, agent: SmallAgent): Promise<void> {
  if (method === 'initialize') {
    send({ id, result: (await agent.initialize?.()) ?? { protocolVersion: 1 } });
  } else if (method === 'session/new') {
    send({ id, result: { sessionId: CONVERSATION } });
  } else if (method === 'session/prompt') {
    const text = params?.prompt?.[0]?.text ?? '';
    send({ id, result: (await agent.prompt(text)) ?? { stopReason: 'end_turn' } });
  }
}

/** Sends a message. */
export function send(message: object): void {
  write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

/** Reports something about a conversation. */
export function update(body: object, sessionId = CONVERSATION): void {
  send({ method: 'session/update', params: { sessionId, update: body } });
}

/** Says something. */
export function say(text: string, sessionId = CONVERSATION): void {
  update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } }, sessionId);
}

/** Writes to standard output as it is; what was written is out when this returns. */
export function write(data: string | Uint8Array): void {
  fs.writeSync(1, Buffer.from(data));
}

/** From now on only SIGKILL ends this process. */
export function ignoreSignals(): void {
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined);
  setInterval(() => undefined, 1_000);
}

/** A program that says when it ignores every signal, and then does nothing. */
const STUBBORN = `for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {});
  setInterval(() => {}, 1000); process.send?.('up');`;

/** Starts a process that only SIGKILL ends; settles when it ignores all else. */
export async function startStubborn(options: SpawnOptions = {}): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', STUBBORN], {
    ...options,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  await new Promise((resolve) => child.once('message', resolve));
  child.disconnect();
  child.unref();
  return child;
}
