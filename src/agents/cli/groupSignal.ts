import { killWindowsTree } from '../../base/processes/windows';
import { signalGroup } from '../../base/processTree';

/** Signals a command and what it started in its group; Windows knows only the end of the whole tree. */
export function signalCommand(pid: number, name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void {
  if (process.platform === 'win32') void killWindowsTree(pid);
  else signalGroup(pid, name);
}
