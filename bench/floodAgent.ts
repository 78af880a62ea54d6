// An agent of ACP, as small as can be, so that a flood of output costs little to make:
// node floodAgent.js <bytes>. To a prompt that says `flood` it answers with so many bytes of numbered
// lines of text, a line an update, as fast as they are taken; to others with nothing.
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A line of text with its line feed, in bytes. */
const LINE_BYTES = 100;
/** Bytes that are written in one go. */
const BLOCK_BYTES = 64 * 1024;

const bytes = Number(process.argv[2]);

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params: { readonly prompt?: readonly { readonly text: string }[] };
}

async function answer({ id, method, params }: Request): Promise<void> {
  if (id === undefined) return;
  if (params.prompt?.[0]?.text === 'flood') await flood();
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: resultOf(method) })}\n`);
}

function resultOf(method: string): unknown {
  switch (method) {
    case 'initialize':
      return { protocolVersion: 1, agentCapabilities: {} };
    case 'session/new':
      return { sessionId: 'flood' };
    default:
      return { stopReason: 'end_turn' };
  }
}

async function flood(): Promise<void> {
  let block = '';
  for (let line = 0; line < bytes / LINE_BYTES; line++) {
    block += update(`${`line ${line} `.padEnd(LINE_BYTES - 1, '.')}\n`);
    if (block.length < BLOCK_BYTES) continue;
    if (!process.stdout.write(block)) await once(process.stdout, 'drain');
    block = '';
  }
  process.stdout.write(block);
}

function update(text: string): string {
  return `${JSON.stringify({
    jsonrpc: '2.0',
    method: 'session/update',
    params: {
      sessionId: 'flood',
      update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } },
    },
  })}\n`;
}

createInterface(process.stdin).on('line', (line) => void answer(JSON.parse(line) as Request));
