import { spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { killMarked, newMark, RUN_MARKER } from '../host/marks';
import { repoRoot } from '../host/paths';

/** How a child of the test run ended, and what it has left behind. */
export interface ChildResult {
  /** 127 when it could not be started, 137 when it was killed. */
  readonly exitCode: number;
  /** One line for each process that was still alive (it is killed) and each file in its TMPDIR. */
  readonly leftovers: readonly string[];
}

const KILLED = 137;
const NOT_STARTED = 127;
/** What is on its way out when the child ends is not left behind. */
const GRACE_MS = 1_000;

/**
 * Runs a Node program with a mark and a TMPDIR of its own, and looks afterwards for what is left.
 * @param args the script and its arguments
 * @param signal kills everything the child has started
 * @param timeoutMs the same happens after so many milliseconds
 */
export async function runChild(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ChildResult> {
  const mark = newMark();
  // Short, because unix sockets are made below it.
  const temporary = await fs.mkdtemp(path.join(await fs.realpath(os.tmpdir()), 'dt-'));
  try {
    const exitCode = await new Promise<number>((resolve) => {
      const child = spawn(process.execPath, args, {
        cwd: repoRoot(),
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, ...env, TMPDIR: temporary, [RUN_MARKER]: mark },
      });
      const stop = (): void => void child.kill('SIGKILL');
      const timer = setTimeout(() => {
        console.error(`Not done after ${timeoutMs / 1000} s: killed.`);
        stop();
      }, timeoutMs);
      signal.addEventListener('abort', stop);
      const settle = (code: number): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        resolve(code);
      };
      child.on('error', () => settle(NOT_STARTED));
      child.on('exit', (code) => settle(code ?? KILLED));
    });
    const alive = await killMarked(mark, GRACE_MS);
    return {
      exitCode,
      leftovers: [
        ...alive.map((left) => `process ${left.pid}: ${left.command.slice(0, 200)}`),
        ...(await filesLeft(temporary)),
      ],
    };
  } finally {
    await fs.rm(temporary, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Everything in the folder but the folder of Deputy's sockets, which stays, while it is empty. */
async function filesLeft(folder: string): Promise<string[]> {
  const left: string[] = [];
  for (const name of await fs.readdir(folder)) {
    const file = path.join(folder, name);
    const isSocketFolder = name === `deputy-${process.getuid?.() ?? 0}`;
    if (isSocketFolder && (await fs.readdir(file)).length === 0) continue;
    left.push(`file ${file}`);
  }
  return left;
}
