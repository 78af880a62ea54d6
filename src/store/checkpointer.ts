import { fork } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { CheckpointJob, CheckpointResult } from './checkpointJob';
import {
  journalGenerations,
  journalName,
  snapshotGenerations,
  snapshotName,
} from './journalFormat';

/** Where the parts of the background program are. */
export interface CheckpointPrograms {
  /** The bundle of `checkpointMain.ts`. */
  readonly checkpointProgram: string;
  /** Path of `sql-wasm.wasm`. */
  readonly wasmFile: string;
}

/** Snapshots that are kept: the newest, and one to go back to if that one is damaged. */
const KEPT_SNAPSHOTS = 2;

/**
 * Runs a job in a process of its own. A thread of this one would do, but for what it shares with the
 * event loop: each of the large blocks of memory that it takes and gives back halts both, and so does
 * the garbage collector.
 * @throws {Error} with the program's message when it failed or died
 */
export function runInBackground(
  { checkpointProgram, wasmFile }: CheckpointPrograms,
  job: CheckpointJob,
): Promise<{ seq: number; imageBytes: number }> {
  return new Promise((resolve, reject) => {
    const child = fork(checkpointProgram, [], {
      // Not our own flags: a debugger's port can be opened only once. One thread for V8 and one for
      // the files, so that the program never has more than one core.
      execArgv: ['--single-threaded'],
      env: {
        ...process.env,
        NODE_OPTIONS: undefined,
        ELECTRON_RUN_AS_NODE: '1',
        UV_THREADPOOL_SIZE: '1',
      },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.once('message', (result: CheckpointResult) => {
      if (result.ok) resolve(result);
      else reject(new Error(result.error));
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the checkpoint program ended without a result')));
    child.send({ wasmFile, job });
  });
}

/**
 * Removes the snapshots before the two newest, the journals that both of them cover, and what
 * interrupted writes have left. Must be called by the owner only.
 */
export async function removeCovered(folder: string): Promise<void> {
  const names = await fs.readdir(folder);
  const snapshots = snapshotGenerations(names);
  const oldestKept = snapshots.at(-KEPT_SNAPSHOTS);
  const covered =
    snapshots.length < KEPT_SNAPSHOTS || oldestKept === undefined
      ? []
      : [
          ...snapshots.filter((it) => it < oldestKept).map(snapshotName),
          ...journalGenerations(names)
            .filter((it) => it < oldestKept)
            .map(journalName),
        ];
  const leftovers = names.filter((name) => /^snap-[0-9a-f]+\.db\.[0-9a-f]+\.tmp$/.test(name));
  for (const name of [...covered, ...leftovers])
    await fs.rm(path.join(folder, name), { force: true });
}
