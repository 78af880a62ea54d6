import * as fs from 'node:fs/promises';
import { errorCode } from '../errors';
import { MARKER_VARIABLE } from '../processMarker';
import type { ProcessInfo } from './processInfo';

/** Processes that are looked at together; each takes three files. */
const BATCH = 64;

/**
 * Lists the processes from `/proc`, with their environments.
 * @param marker value of the marker variable to look for
 */
export async function listFromProc(marker: string): Promise<ProcessInfo[]> {
  const names = (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const infos: (ProcessInfo | undefined)[] = [];
  // All at once could run out of file descriptors on a system with thousands of processes.
  for (let start = 0; start < names.length; start += BATCH) {
    const batch = names.slice(start, start + BATCH);
    infos.push(...(await Promise.all(batch.map((name) => readFromProc(Number(name), marker)))));
  }
  return infos.filter((info) => info !== undefined);
}

/**
 * Reads one process from `/proc`.
 * @param marker value of the marker variable to look for; without it none is
 * @returns undefined when there is no such process
 */
export async function readFromProc(pid: number, marker?: string): Promise<ProcessInfo | undefined> {
  const [stat, environment, command] = await Promise.all([
    readOrEmpty(`/proc/${pid}/stat`),
    marker === undefined ? '' : readOrEmpty(`/proc/${pid}/environ`),
    readOrEmpty(`/proc/${pid}/cmdline`),
  ]);
  const isMarked = `\0${environment}\0`.includes(`\0${MARKER_VARIABLE}=${marker ?? ''}\0`);
  return parseProc(pid, stat, marker !== undefined && isMarked, command);
}

/** Empty when the process has gone meanwhile, or belongs to somebody else. */
async function readOrEmpty(file: string): Promise<string> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    // A process that was overlooked for another reason would be taken for gone.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errorCode(error) ?? '')) return '';
    throw error;
  }
}

/**
 * Makes a {@link ProcessInfo} of the text of `/proc/<pid>/stat`.
 * @param command content of `/proc/<pid>/cmdline`, arguments separated by NUL
 * @returns undefined when the text is none, because the process has gone
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function parseProc(
  pid: number,
  stat: string,
  isMarked: boolean,
  command: string,
): ProcessInfo | undefined {
  // The second field is the program's name in brackets, which may hold blanks and brackets itself.
  const nameEnd = stat.lastIndexOf(')');
  if (nameEnd < 0) return undefined;
  const fields = stat.slice(nameEnd + 2).split(' ');
  const [state = '', ppid = '', pgid = ''] = fields;
  const ticks = fields[19];
  return {
    pid,
    ppid: Number(ppid),
    pgid: Number(pgid),
    startTime: ticks === undefined ? undefined : Number(ticks),
    startedAtMs: undefined,
    isZombie: state === 'Z' || state === 'X',
    isMarked,
    command: command.replaceAll('\0', ' ').trim(),
  };
}
