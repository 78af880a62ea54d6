import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** A conversation with an agent of ACP that is spoken to by hand. */
export interface PlainConversation {
  readonly id: string;
  readonly ask: (id: number, method: string, params: unknown) => void;
  readonly lines: AsyncIterator<string>;
}

/** Greets an agent and opens a conversation, each request when the one before it was answered. */
export async function greet(
  agent: { readonly stdin: Writable; readonly stdout: Readable },
  cwd: string,
): Promise<PlainConversation> {
  const lines = createInterface(agent.stdout)[Symbol.asyncIterator]();
  const ask: PlainConversation['ask'] = (id, method, params) =>
    void agent.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
  ask(1, 'initialize', { protocolVersion: 1, clientCapabilities: {} });
  await lines.next();
  ask(2, 'session/new', { cwd, mcpServers: [] });
  const answer = await lines.next();
  const { result } = JSON.parse(String(answer.value)) as { result: { sessionId: string } };
  return { id: result.sessionId, ask, lines };
}

/**
 * Gives an agent a prompt, and settles when it has answered that.
 * @param onLine gets each line that it writes; nothing is read while what it returns is pending
 */
export async function promptPlainly(
  { id: sessionId, ask, lines }: PlainConversation,
  text: string,
  onLine: (line: string) => Promise<void> | undefined,
): Promise<void> {
  ask(3, 'session/prompt', { sessionId, prompt: [{ type: 'text', text }] });
  for (;;) {
    const next = await lines.next();
    if (next.done) throw new Error('The agent ended before it had answered.');
    const isTaken = onLine(next.value);
    if (isTaken) await isTaken;
    // What the agent says is not parsed; only its answer begins like this.
    if (next.value.startsWith('{"jsonrpc":"2.0","id":3')) return;
  }
}
