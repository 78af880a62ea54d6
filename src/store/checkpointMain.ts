// The store's background program (a bundle of its own): reads the files and writes snapshots, so that
// the extension host does not have to. Started by `runInBackground`.
import * as os from 'node:os';
import { setFlagsFromString } from 'node:v8';
import initSqlJs from 'sql.js';
import { messageOf } from '../base/errors';
import { runCheckpoint, type CheckpointJob, type CheckpointResult } from './checkpointJob';

/**
 * Nobody waits for a snapshot, so it takes one core at most, and that behind everybody else. V8 would
 * spend a second one on optimising SQLite for a run that ends before that pays off, and the event
 * loop of the extension host would wait for whole time slices: bench/results.md, "Pauses".
 */
function stepBack(): void {
  setFlagsFromString('--liftoff-only');
  try {
    os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox may forbid it; the snapshot is as right without.
  }
}

async function main(wasmFile: string, job: CheckpointJob): Promise<CheckpointResult> {
  try {
    const sql = await initSqlJs({ locateFile: () => wasmFile });
    return { ok: true, ...(await runCheckpoint(sql, job)) };
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

stepBack();
// Whoever asked is gone: what it would have got is no use to anybody.
process.once('disconnect', () => process.exit(1));
process.once('message', ({ wasmFile, job }: { wasmFile: string; job: CheckpointJob }) => {
  void main(wasmFile, job).then((result) => process.send?.(result, () => process.disconnect()));
});
