import { listFromProc, readFromProc } from './linux';
import { listFromPs, readFromPs } from './ps';
import type { ProcessInfo } from './processInfo';
import { listFromWindows, readFromWindows } from './windows';

/**
 * True where a process that does not show the marker does not carry it. Elsewhere a missing marker
 * says nothing: Windows shows no environments, macOS those of unprotected programs only.
 * @param platform default that of this process
 */
export function showsEnvironments(platform: NodeJS.Platform = process.platform): boolean {
  return platform === 'linux';
}

/**
 * Lists the processes of the system.
 * @param marker value of the marker variable to look for in their environments, see
 * {@link showsEnvironments}
 * @param platform default that of this process
 * @throws {ProcessListError} when the program that lists them cannot be run (not on Linux)
 */
export function listProcesses(
  marker: string,
  platform: NodeJS.Platform = process.platform,
): Promise<ProcessInfo[]> {
  if (platform === 'linux') return listFromProc(marker);
  return platform === 'win32' ? listFromWindows() : listFromPs(marker, platform);
}

/**
 * Looks a single process up, without its marker.
 * @param platform default that of this process
 * @returns undefined when there is none with this id
 * @throws {ProcessListError} when the program that knows cannot be run (not on Linux)
 */
export async function identify(
  pid: number,
  platform: NodeJS.Platform = process.platform,
): Promise<ProcessInfo | undefined> {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (platform === 'linux') return readFromProc(pid);
  return platform === 'win32' ? readFromWindows(pid) : readFromPs(pid);
}
