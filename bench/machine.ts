import { execFile } from 'node:child_process';
import * as os from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The load before a run from which on others have disturbed it. */
const BUSY_LOAD = 0.5;

/** What a reader of the results must know, as names and values. */
export interface Machine {
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/**
 * Describes this machine and the commit that is measured.
 * @param loadBefore `os.loadavg()` from before the run
 */
export async function describeMachine(loadBefore: readonly number[]): Promise<Machine> {
  const cpus = os.cpus();
  const load = (averages: readonly number[]): string => (averages[0] ?? 0).toFixed(1);
  // A run by itself keeps about one core busy, but only from its beginning on.
  const busy = (loadBefore[0] ?? 0) > BUSY_LOAD ? '; other programs were busy' : '';
  return {
    facts: [
      ['date', new Date().toISOString().slice(0, 16).replace('T', ' ') + ' UTC'],
      ['commit', await commit()],
      ['machine', `${cpus[0]?.model.trim() ?? 'unknown'}, ${cpus.length} cores`],
      ['memory', `${Math.round(os.totalmem() / 2 ** 30)} GB`],
      ['system', `${os.type()} ${os.release()} ${os.arch()}`],
      ['Node', process.versions.node],
      ['load (1 min) before and after', `${load(loadBefore)}, ${load(os.loadavg())}${busy}`],
    ],
  };
}

async function commit(): Promise<string> {
  try {
    const { stdout: hash } = await run('git', ['rev-parse', '--short=12', 'HEAD']);
    // The results of the run before are no part of what is measured.
    const paths = ['--', '.', ':!bench/results.md'];
    const { stdout: changes } = await run('git', ['status', '--porcelain', ...paths]);
    return hash.trim() + (changes.trim() === '' ? '' : ', with uncommitted changes');
  } catch {
    return 'unknown (no git repository)';
  }
}
