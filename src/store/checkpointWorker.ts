// The worker thread of the store (a bundle of its own): reads the files and writes snapshots, so that
// the extension host's event loop does not have to.
import { parentPort, workerData } from 'node:worker_threads';
import initSqlJs from 'sql.js';
import { messageOf } from '../base/errors';
import { runCheckpoint, type CheckpointJob, type CheckpointResult } from './checkpointJob';

async function main(): Promise<CheckpointResult> {
  const { wasmFile, job } = workerData as { wasmFile: string; job: CheckpointJob };
  try {
    const sql = await initSqlJs({ locateFile: () => wasmFile });
    return { ok: true, ...(await runCheckpoint(sql, job)) };
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

void main().then((result) => parentPort?.postMessage(result));
