import { delay } from './async';
import { listProcesses, type ProcessInfo } from './processList';

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

/**
 * The processes of one session: those that carry its marker in their environment and whatever
 * descends from them or from the roots. What was seen once is remembered, so that a process whose
 * parent has died since, or that has dropped its environment, is still found.
 *
 * Where environments cannot be read (anywhere but Linux), descent is all there is: call
 * {@link find} while the tree is still intact. This process itself is never part of it.
 */
export class MarkedProcesses {
  /** Pid to start time; together they name a process even when pids are reused. */
  private readonly known = new Map<number, string>();
  private readonly roots = new Set<number>();

  /** @param marker value of the environment variable that marks the session's processes */
  constructor(private readonly marker: string) {}

  /** Adds a process that this one has started and that therefore belongs to the session. */
  addRoot(pid: number): void {
    this.roots.add(pid);
  }

  /** The session's living processes, zombies excluded. */
  async find(): Promise<ProcessInfo[]> {
    const all = await listProcesses(this.marker);
    const members = new Map<number, ProcessInfo>();
    for (const info of all) {
      if (info.pid !== process.pid && this.isMember(info)) members.set(info.pid, info);
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

  private isMember(info: ProcessInfo): boolean {
    return (
      info.isMarked ||
      this.known.get(info.pid) === info.startTime ||
      (this.roots.has(info.pid) && info.ppid === process.pid)
    );
  }
}

/** Living processes that carry the marker in their environment; this one is not among them. */
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
  const queue = [...members.keys()];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    for (const child of children.get(pid) ?? []) {
      if (members.has(child.pid) || child.pid === process.pid) continue;
      members.set(child.pid, child);
      queue.push(child.pid);
    }
  }
}
