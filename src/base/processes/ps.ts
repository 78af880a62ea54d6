import { MARKER_VARIABLE } from '../processMarker';
import { captureList } from './capture';
import type { ProcessInfo } from './processInfo';

const PS = '/bin/ps';

// One -o for each: by POSIX, an empty heading takes the rest of its argument as its text.
const columns = (...names: readonly string[]): string[] =>
  names.flatMap((name) => ['-o', `${name}=`]);

const COLUMNS = columns('pid', 'ppid', 'pgid', 'state', 'lstart', 'command');

/** Twice -w: without it, a line ends after 79 columns, whether or not there is a terminal. */
const WIDE = '-ww';

/** The arguments of `ps` that list all processes, or a single one, for {@link parsePs}. */
export function psArguments(pid?: number): string[] {
  return [
    pid === undefined ? '-ax' : '',
    WIDE,
    ...COLUMNS,
    ...(pid ? ['-p', String(pid)] : []),
  ].filter((argument) => argument !== '');
}

/** The arguments of macOS's `ps` that show environments, for {@link parsePsMarked}. */
export const PS_ENVIRONMENT_ARGUMENTS: readonly string[] = [
  ...['-ax', WIDE, '-E'],
  ...columns('pid', 'lstart', 'command'),
];

/**
 * The environment for `ps`. Its words are English, and its times in UTC: local time would jump with
 * the seasons, and a process would not be the same afterwards. Characters beyond ASCII stay what they
 * are, so that paths can be found in command lines.
 */
export function psEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // LC_ALL would win over the others.
  return { ...own, LC_ALL: undefined, LC_TIME: 'C', LC_CTYPE: 'UTF-8', TZ: 'UTC' };
}

/**
 * Lists the processes with `ps`.
 * @param marker value of the marker variable to look for; macOS shows the environments of programs
 * that are not protected by the system, so that a process without it may still be ours
 * @param platform default that of this process; only macOS's `ps` shows environments this way
 * @throws {ProcessListError} when `ps` cannot be run
 */
export async function listFromPs(
  marker: string,
  platform: NodeJS.Platform = process.platform,
): Promise<ProcessInfo[]> {
  const env = psEnvironment(process.env);
  const canShow = platform === 'darwin';
  const [list, environments] = await Promise.all([
    captureList(PS, psArguments(), env),
    canShow ? captureList(PS, PS_ENVIRONMENT_ARGUMENTS, env) : undefined,
  ]);
  const marked = parsePsMarked(environments?.stdout ?? '', marker);
  // The listers are children of ours as well, and of no interest.
  const listers = [list.pid, environments?.pid];
  return parsePs(list.stdout, marked).filter((info) => !listers.includes(info.pid));
}

/**
 * Looks one process up with `ps`; undefined when there is none.
 * @throws {ProcessListError} when `ps` cannot be run
 */
export async function readFromPs(pid: number): Promise<ProcessInfo | undefined> {
  // It ends with 1 when there is no such process.
  const { stdout } = await captureList(PS, psArguments(pid), psEnvironment(process.env), [0, 1]);
  return parsePs(stdout).find((info) => info.pid === pid);
}

const TIME = String.raw`[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}`;
const PS_LINE = new RegExp(String.raw`^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(${TIME})\s+(.*)$`);
const MARKED_LINE = new RegExp(String.raw`^\s*(\d+)\s+(${TIME})\s+(.*)$`);

/**
 * Reads what `ps` prints with {@link psArguments}.
 * @param marked what {@link parsePsMarked} has found
 * @see https://ss64.com/mac/ps.html
 */
export function parsePs(
  text: string,
  marked: ReadonlyMap<number, number> = new Map(),
): ProcessInfo[] {
  const infos: ProcessInfo[] = [];
  for (const line of text.split('\n')) {
    const match = PS_LINE.exec(line);
    // A line feed in an argument continues its line on the next one.
    if (!match) continue;
    const [, pid, ppid, pgid, state = '', time = '', command = ''] = match;
    const startTime = parseTime(time);
    infos.push({
      pid: Number(pid),
      ppid: Number(ppid),
      pgid: Number(pgid),
      startTime,
      startedAtMs: startTime,
      isZombie: state.startsWith('Z'),
      isMarked: startTime !== undefined && marked.get(Number(pid)) === startTime,
      command: command.trimEnd(),
    });
  }
  return infos;
}

/**
 * Reads what macOS's `ps` prints with {@link PS_ENVIRONMENT_ARGUMENTS}: behind each command line its
 * environment, which nothing tells apart; a marker is random, and found in neither by chance.
 * The system leaves the environments of its own and of protected programs out.
 * @returns the start times, in milliseconds since 1970, of the processes that carry `marker`, by pid
 * @see https://github.com/giampaolo/psutil/issues/2084
 */
export function parsePsMarked(text: string, marker: string): Map<number, number> {
  const entry = `${MARKER_VARIABLE}=${marker}`;
  const marked = new Map<number, number>();
  let current: { pid: number; startTime: number | undefined } | undefined;
  for (const line of text.split('\n')) {
    const [, pid, time = '', words] = MARKED_LINE.exec(line) ?? [];
    // A variable may hold line feeds; what follows one belongs to the same process.
    if (pid !== undefined) current = { pid: Number(pid), startTime: parseTime(time) };
    if (current?.startTime === undefined || !(words ?? line).split(' ').includes(entry)) continue;
    marked.set(current.pid, current.startTime);
  }
  return marked;
}

function parseTime(text: string): number | undefined {
  const time = Date.parse(`${text} UTC`);
  return Number.isNaN(time) ? undefined : time;
}
