import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';

/**
 * The environment variable that every process of a test run inherits, detached ones included. Its
 * name starts with neither VSCODE_ nor DEPUTY_: terminals and agents get an environment without those.
 */
export const RUN_MARKER = 'TEST_HOST_RUN_ID';

/** A process that carries a mark. */
export interface MarkedProcess {
  readonly pid: number;
  /** Its command line, arguments separated by spaces. */
  readonly command: string;
}

/**
 * A mark for the children of this process. It starts with our own mark, if we have one, so that a
 * suite finds also what the servers in it have started.
 */
export function newMark(): string {
  const own = process.env[RUN_MARKER];
  const id = randomUUID().slice(0, 8);
  return own ? `${own}/${id}` : id;
}

/** The living processes that carry `mark` or a mark below it, without us. Linux only; else empty. */
export function marked(mark: string): MarkedProcess[] {
  if (process.platform !== 'linux') return [];
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => readIfMarked(Number(name), mark));
}

function readIfMarked(pid: number, mark: string): MarkedProcess[] {
  try {
    const prefix = `${RUN_MARKER}=`;
    const entry = fs
      .readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .find((line) => line.startsWith(prefix))
      ?.slice(prefix.length);
    if (entry === undefined || (entry !== mark && !entry.startsWith(`${mark}/`))) return [];
    const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    // A process that is just ending has an empty command line.
    return command === '' ? [] : [{ pid, command }];
  } catch {
    // It ended while we looked, or belongs to somebody else.
    return [];
  }
}

/**
 * Kills everything that carries `mark`, by pid, and gives what was killed. Looks again until
 * nothing is left, as a dying process may have started one more; at most 5 times.
 * @param graceMs what is going to end by itself has so long to do so; default 0
 */
export async function killMarked(mark: string, graceMs = 0): Promise<MarkedProcess[]> {
  const end = Date.now() + graceMs;
  while (marked(mark).length > 0 && Date.now() < end) await pause(25);
  const killed: MarkedProcess[] = [];
  for (let round = 0; round < 5; round++) {
    const left = marked(mark);
    if (left.length === 0) break;
    for (const found of left) {
      killProcess(found.pid);
      if (!killed.some((other) => other.pid === found.pid)) killed.push(found);
    }
    await pause(25);
  }
  return killed;
}

/** Sends SIGKILL; a pid (or, when negative, a group) that is gone is fine. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

/** The processes we look for are not our children: there is no event to wait on. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
