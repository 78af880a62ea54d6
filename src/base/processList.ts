import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode, toError } from './errors';
import { MARKER_VARIABLE } from './processMarker';

/** One process as the system lists it. */
export interface ProcessInfo {
  readonly pid: number;
  /** Process id of the parent. */
  readonly ppid: number;
  /** Process group; 0 where there is none. */
  readonly pgid: number;
  /** When it started, in the system's own words: tells a process from a later one with its pid. */
  readonly startTime: string;
  /** Ended, but its parent has not taken note. */
  readonly isZombie: boolean;
  /** Carries the marker that was asked for in its environment; false where that cannot be read. */
  readonly isMarked: boolean;
  /** Command line, for logs. */
  readonly command: string;
}

/**
 * Lists the processes of the system.
 * @param marker value of the marker variable to look for in their environments (Linux only)
 */
export function listProcesses(marker: string): Promise<ProcessInfo[]> {
  if (process.platform === 'linux') return listFromProc(marker);
  return process.platform === 'win32' ? Promise.resolve([]) : listFromPs();
}

/** Processes that are looked at together; each takes three files. */
const BATCH = 64;

async function listFromProc(marker: string): Promise<ProcessInfo[]> {
  const entry = `\0${MARKER_VARIABLE}=${marker}\0`;
  const names = (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const infos: (ProcessInfo | undefined)[] = [];
  // All at once could run out of file descriptors on a system with thousands of processes.
  for (let start = 0; start < names.length; start += BATCH) {
    const batch = names.slice(start, start + BATCH);
    infos.push(...(await Promise.all(batch.map((name) => readProc(Number(name), entry)))));
  }
  return infos.filter((info) => info !== undefined);
}

async function readProc(pid: number, entry: string): Promise<ProcessInfo | undefined> {
  const [stat, environment, command] = await Promise.all([
    readOrEmpty(`/proc/${pid}/stat`),
    readOrEmpty(`/proc/${pid}/environ`),
    readOrEmpty(`/proc/${pid}/cmdline`),
  ]);
  return parseProc(pid, stat, `\0${environment}\0`.includes(entry), command);
}

/** Empty when the process has gone meanwhile, or belongs to somebody else. */
async function readOrEmpty(file: string): Promise<string> {
  try {
    return await fs.readFile(file, 'latin1');
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
  return {
    pid,
    ppid: Number(ppid),
    pgid: Number(pgid),
    startTime: fields[19] ?? '',
    isZombie: state === 'Z' || state === 'X',
    isMarked,
    command: command.replaceAll('\0', ' ').trim(),
  };
}

function listFromPs(): Promise<ProcessInfo[]> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'ps',
      ['-axo', 'pid=,ppid=,pgid=,state=,lstart=,command='],
      { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } },
      (error, stdout) => {
        if (error) reject(toError(error));
        // The lister is a child of ours as well, and of no interest.
        else resolve(parsePs(stdout).filter((info) => info.pid !== child.pid));
      },
    );
  });
}

const PS_LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/;

/** Reads what `ps -axo pid=,ppid=,pgid=,state=,lstart=,command=` prints in the C locale. */
export function parsePs(text: string): ProcessInfo[] {
  const infos: ProcessInfo[] = [];
  for (const line of text.split('\n')) {
    const [, pid, ppid, pgid, state, startTime = '', command = ''] = PS_LINE.exec(line) ?? [];
    if (pid === undefined) continue;
    infos.push({
      pid: Number(pid),
      ppid: Number(ppid),
      pgid: Number(pgid),
      startTime,
      isZombie: state?.startsWith('Z') ?? false,
      isMarked: false,
      command,
    });
  }
  return infos;
}

/**
 * Ends a process and its descendants on Windows, by force: there is no polite way for programs
 * without a window. Works only while the tree is intact. Never rejects.
 */
export function killWindowsTree(pid: number): Promise<void> {
  const system = process.env['SystemRoot'] ?? 'C:\\Windows';
  const program = path.win32.join(system, 'System32', 'taskkill.exe');
  return new Promise((resolve) => {
    execFile(program, ['/PID', String(pid), '/T', '/F'], { windowsHide: true }, () => resolve());
  });
}
