import { delay } from './async';
import { listProcesses } from './processes/list';
import { isChildOf, isSameProcess, type ProcessInfo } from './processes/processInfo';
import { killWindowsTree } from './processes/windows';

/**
 * True while a process with this id is there, a zombie included. One that belongs to another user
 * counts as there; ids that are no single process (0, negative: groups) never do.
 */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What a clock may be late by, in milliseconds, when it is compared with a process's start. */
const CLOCK_MARGIN_MS = 1_000;

/**
 * The processes of one session: those that carry its marker in their environment and whatever
 * descends from them, from the roots, or from processes on record. What was seen once is remembered,
 * so that a process whose parent has died since, or that has dropped its environment, is still found.
 *
 * Where environments cannot be read (see `showsEnvironments`), descent is all there is: call
 * {@link find} while the tree is still intact. This process itself is never part of it.
 */
export class MarkedProcesses {
  /** Pid to start time; together they name a process even when pids are reused. */
  private readonly known = new Map<number, number | undefined>();
  private readonly roots = new Set<number>();
  /** Pid to the latest time that the process may have started at, in milliseconds since 1970. */
  private readonly recorded = new Map<number, number>();

  /**
   * @param marker value of the environment variable that marks the session's processes
   * @param list how the system's processes are listed; default `listProcesses`
   */
  constructor(
    private readonly marker: string,
    private readonly list: (marker: string) => Promise<ProcessInfo[]> = listProcesses,
  ) {}

  /** Adds a process that this one has started and that therefore belongs to the session. */
  addRoot(pid: number): void {
    this.roots.add(pid);
  }

  /**
   * Adds a process that another one has recorded as the session's. Its number may have been given to
   * a later process since; that one started after the record was made. Finds nothing on Linux, which
   * does not need it.
   * @param recordedAtMs when it was recorded, in milliseconds since 1970
   */
  addRecorded(pid: number, recordedAtMs: number): void {
    this.recorded.set(pid, recordedAtMs);
  }

  /**
   * The session's living processes, zombies excluded.
   * @throws {ProcessListError} when the processes cannot be listed
   */
  async find(): Promise<ProcessInfo[]> {
    const all = await this.list(this.marker);
    const self = all.find((info) => info.pid === process.pid);
    const members = new Map<number, ProcessInfo>();
    for (const info of all) {
      if (info.pid !== process.pid && this.isMember(info, self)) members.set(info.pid, info);
    }
    addDescendants(all, members);
    // A root is ours only as long as it is our child; afterwards its pid may name anything.
    for (const pid of this.roots) if (!members.has(pid)) this.roots.delete(pid);
    this.known.clear();
    for (const info of members.values()) this.known.set(info.pid, info.startTime);
    return [...members.values()].filter((info) => !info.isZombie);
  }

  /**
   * SIGKILLs every process of the session, again and again until none is left, because one of them
   * may start another in between.
   * @param maxMs when to give up; default 10,000
   * @returns what is still alive then; normally nothing
   */
  async killAll(maxMs = 10_000): Promise<ProcessInfo[]> {
    const giveUpAt = performance.now() + maxMs;
    for (;;) {
      const living = await this.find();
      if (living.length === 0 || performance.now() > giveUpAt) return living;
      for (const info of living) signal(info.pid, 'SIGKILL');
      await delay(20);
    }
  }

  private isMember(info: ProcessInfo, self: ProcessInfo | undefined): boolean {
    const { pid, startedAtMs } = info;
    if (info.isMarked) return true;
    if (isSameProcess(info, { pid, startTime: this.known.get(pid) })) return true;
    if (this.roots.has(pid) && self && isChildOf(info, self)) return true;
    const recordedAtMs = this.recorded.get(pid);
    if (recordedAtMs === undefined || startedAtMs === undefined) return false;
    return startedAtMs <= recordedAtMs + CLOCK_MARGIN_MS;
  }
}

/**
 * Living processes that show the marker in their environment; this one is not among them. All there
 * are only where environments can be read, see `showsEnvironments`.
 */
export async function findMarked(marker: string): Promise<ProcessInfo[]> {
  const all = await listProcesses(marker);
  return all.filter((info) => info.isMarked && !info.isZombie && info.pid !== process.pid);
}

/** Sends a signal to one process; one that is gone already is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  if (pid <= 0) return;
  sendSignal(pid, name);
}

/** Sends a signal to a process group; POSIX only. A group that is gone already is no error. */
export function signalGroup(groupId: number, name: NodeJS.Signals): void {
  // -1 would mean every process of this user.
  if (groupId <= 1) return;
  sendSignal(-groupId, name);
}

/**
 * Ends by force, without a list of the processes, the group that a process leads; on Windows the
 * process and its descendants. One that is gone already is no error.
 * @param platform default that of this process
 */
export async function killGroupOrTree(
  pid: number,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  if (platform === 'win32') await killWindowsTree(pid);
  else signalGroup(pid, 'SIGKILL');
}

function sendSignal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

/** Adds to `members` all processes whose parent is among them, at any depth. */
function addDescendants(all: readonly ProcessInfo[], members: Map<number, ProcessInfo>): void {
  const children = new Map<number, ProcessInfo[]>();
  for (const info of all) {
    const siblings = children.get(info.ppid);
    if (siblings) siblings.push(info);
    else children.set(info.ppid, [info]);
  }
  const queue = [...members.values()];
  for (let parent = queue.pop(); parent; parent = queue.pop()) {
    for (const child of children.get(parent.pid) ?? []) {
      if (members.has(child.pid) || child.pid === process.pid) continue;
      if (!isChildOf(child, parent)) continue;
      members.set(child.pid, child);
      queue.push(child);
    }
  }
}
