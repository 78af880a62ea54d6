// What one would write first: node plainReader.js <file> <program> [argument…]. Starts an agent of ACP,
// writes `ready` when it takes prompts, gives it one when the input says so, and appends each line that
// it answers to the file, as a JSON line. Ends when the agent has answered the prompt.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { greet, promptPlainly } from './plainAcp';

const [file = '', program = '', ...args] = process.argv.slice(2);

async function main(): Promise<void> {
  const output = createWriteStream(file);
  const agent = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const conversation = await greet(agent, process.cwd());
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  await promptPlainly(conversation, 'flood', (line) => {
    const isRoom = output.write(`${JSON.stringify({ at: Date.now(), line })}\n`);
    return isRoom ? undefined : once(output, 'drain').then(() => undefined);
  });
  agent.stdin.end();
  output.end();
  process.stdin.destroy();
}

void main();
