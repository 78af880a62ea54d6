/** One process as the system lists it. */
export interface ProcessInfo {
  readonly pid: number;
  /** Process id of the parent; on Windows of the one it had at its start, which may be long gone. */
  readonly ppid: number;
  /** Process group; 0 where there is none. */
  readonly pgid: number;
  /**
   * When it started, in a unit of the system's own: ticks since boot on Linux, milliseconds since
   * 1970 elsewhere. Tells a process from a later one with its pid, and a child from a stranger.
   * Undefined when the system does not say; such a process is never taken for a known one.
   */
  readonly startTime: number | undefined;
  /**
   * When it started, in milliseconds since 1970, to compare with a time on record; macOS tells whole
   * seconds. Undefined on Linux, where the marker proves more.
   */
  readonly startedAtMs: number | undefined;
  /** Ended, but its parent has not taken note. */
  readonly isZombie: boolean;
  /** Carries the marker that was asked for in its environment; false where that cannot be read. */
  readonly isMarked: boolean;
  /** Command line, for logs. */
  readonly command: string;
}

/** True when both are the same process: one pid, started at the same time. */
export function isSameProcess(
  one: Pick<ProcessInfo, 'pid' | 'startTime'>,
  other: Pick<ProcessInfo, 'pid' | 'startTime'>,
): boolean {
  return one.pid === other.pid && one.startTime !== undefined && one.startTime === other.startTime;
}

/**
 * True when `parent` has started `child`. Its number alone does not say so: Windows keeps the number
 * of a parent that is gone, and gives it to another process; that one is younger than the child.
 */
export function isChildOf(child: ProcessInfo, parent: ProcessInfo): boolean {
  if (child.ppid !== parent.pid || child.pid === parent.pid) return false;
  if (child.startTime === undefined || parent.startTime === undefined) return false;
  return child.startTime >= parent.startTime;
}
