import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CheckpointJob, CheckpointResult } from './checkpointJob';
import {
  journalGenerations,
  journalName,
  snapshotGenerations,
  snapshotName,
} from './journalFormat';

/** Where the parts of the worker are. */
export interface CheckpointPrograms {
  /** The bundle of `checkpointWorker.ts`. */
  readonly workerFile: string;
  /** Path of `sql-wasm.wasm`. */
  readonly wasmFile: string;
}

/** Snapshots that are kept: the newest, and one to go back to if that one is damaged. */
const KEPT_SNAPSHOTS = 2;

/**
 * Runs a job in a worker thread of its own.
 * @throws {Error} with the worker's message when it failed or died
 */
export function runInWorker(
  { workerFile, wasmFile }: CheckpointPrograms,
  job: CheckpointJob,
): Promise<{ seq: number; imageBytes: number }> {
  return new Promise((resolve, reject) => {
    // Not our own flags: a debugger's port can be opened only once.
    const worker = new Worker(workerFile, { workerData: { wasmFile, job }, execArgv: [] });
    worker.once('message', (result: CheckpointResult) => {
      if (result.ok) resolve(result);
      else reject(new Error(result.error));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the worker ended without a result')));
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
