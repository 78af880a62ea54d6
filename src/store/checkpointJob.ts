import * as fs from 'node:fs/promises';
import type { SqlJsStatic } from 'sql.js';
import { StorageError } from '../domain/storageErrors';
import { recover } from './recovery';
import { writeSnapshot } from './snapshot';

/** What the background program is asked to do. */
export type CheckpointJob =
  /** Make the snapshot that the journal of `generation` begins at. */
  | { readonly kind: 'snapshot'; readonly folder: string; readonly generation: number }
  /** Write the state as a plain SQLite file to `target`. */
  | { readonly kind: 'export'; readonly folder: string; readonly target: string };

/** What it answers. */
export type CheckpointResult =
  | { readonly ok: true; readonly seq: number; readonly imageBytes: number }
  | { readonly ok: false; readonly error: string };

/**
 * Does a job of the background program: it reads the files as any reader does, and knows nothing of
 * what the owner has in memory.
 * @throws {StorageError} when a file cannot be read or written
 */
export async function runCheckpoint(
  sql: SqlJsStatic,
  job: CheckpointJob,
): Promise<{ seq: number; imageBytes: number }> {
  const before = job.kind === 'snapshot' ? { before: job.generation } : {};
  const { db, seq } = await recover(sql, job.folder, before);
  const image = db.export();
  db.close();
  switch (job.kind) {
    case 'snapshot':
      await writeSnapshot(job.folder, job.generation, { image, seq });
      break;
    case 'export':
      try {
        await fs.writeFile(job.target, image, { mode: 0o600 });
      } catch (error) {
        throw StorageError.ofWrite(job.target, error);
      }
  }
  return { seq, imageBytes: image.length };
}
