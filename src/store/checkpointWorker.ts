// The worker thread of the store (a bundle of its own): reads the files and writes snapshots, so that
// the extension host's event loop does not have to.
import * as os from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import initSqlJs from 'sql.js';
import { messageOf } from '../base/errors';
import { runCheckpoint, type CheckpointJob, type CheckpointResult } from './checkpointJob';

/**
 * On Linux a nice value belongs to the thread that asks for it (sched(7), "The nice value"): nobody
 * waits for a snapshot, so it steps back behind the event loop. Elsewhere it is the whole process's.
 */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    os.setPriority(0, os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox may forbid it; the snapshot is as right without.
  }
}

async function main(): Promise<CheckpointResult> {
  stepBack();
  const { wasmFile, job } = workerData as { wasmFile: string; job: CheckpointJob };
  try {
    const sql = await initSqlJs({ locateFile: () => wasmFile });
    return { ok: true, ...(await runCheckpoint(sql, job)) };
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

void main().then((result) => parentPort?.postMessage(result));
