// Runs the server in a process group of its own and ends it together with us:
//   node guardian.js <command> [argument…]
// stdin closed after a line "stop": ends the server and its group.
// stdin just closed (whoever started us is gone): ends also every detached process with our mark.
import { spawn } from 'node:child_process';
import { killMarked, killProcess, RUN_MARKER } from './marks';

const SERVER_GRACE_MS = 3_000;
const GROUP_GRACE_MS = 1_000;
const POLL_MS = 25;

const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error('usage: guardian.js <command> [argument…]');

const server = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
let wasAsked = false;

function endServer(): void {
  server.kill('SIGTERM');
  setTimeout(() => server.kill('SIGKILL'), SERVER_GRACE_MS).unref();
}

process.stdin.on('data', () => (wasAsked = true));
process.stdin.on('end', endServer);
process.stdin.on('error', endServer);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endServer);

server.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});

server.on('exit', (code) => void endGroup().then(() => process.exit(code ?? 1)));

/** The extension host and the pty host end by themselves soon after the server; then no more waiting. */
async function endGroup(): Promise<void> {
  const group = -(server.pid ?? 0);
  const end = Date.now() + GROUP_GRACE_MS;
  while (isAlive(group) && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  killProcess(group);
  const mark = process.env[RUN_MARKER];
  if (!wasAsked && mark) await killMarked(mark);
}

function isAlive(group: number): boolean {
  try {
    return process.kill(group, 0);
  } catch {
    return false;
  }
}
