import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import initSqlJs from 'sql.js';
import { ensurePrivateFolder, syncFolder } from '../base/files';
import { StorageError } from '../domain/storageErrors';
import type { CheckpointPrograms } from './checkpointer';
import { Journal } from './journal';
import {
  journalGenerations,
  journalName,
  snapshotGenerations,
  snapshotName,
} from './journalFormat';
import { recover } from './recovery';
import { writeSnapshot } from './snapshot';

/** What can be read of a damaged state. */
export interface Findings {
  /** Sessions that can be read. */
  readonly sessions: number;
  /** The last change that can be read; those after it, if there were any, cannot. */
  readonly lastChange: number;
  /** What is wrong, a sentence each, with the file. */
  readonly problems: readonly string[];
  /** Names of the files that the state consists of. */
  readonly files: readonly string[];
}

/** Looks at a state without changing it. @throws {StorageError} when the folder cannot be read */
export async function inspectState(
  folder: string,
  { wasmFile }: CheckpointPrograms,
): Promise<Findings> {
  const sql = await initSqlJs({ locateFile: () => wasmFile });
  const files = await stateFiles(folder);
  const { db, seq, problems, tornTail } = await recover(sql, folder, { isLenient: true });
  try {
    const hasSessions = db.exec("SELECT 1 FROM sqlite_master WHERE name = 'sessions'").length > 0;
    const count = hasSessions ? db.exec('SELECT count(*) FROM sessions')[0]?.values[0]?.[0] : 0;
    const torn = tornTail ? [`${tornTail.file}: its last write was cut off`] : [];
    return {
      sessions: Number(count ?? 0),
      lastChange: seq,
      problems: [...problems, ...torn],
      files,
    };
  } finally {
    db.close();
  }
}

/**
 * Makes a sound state of what can be read. All files as they were are kept in a folder beside them.
 * Call it only as the owner of the home.
 * @returns the folder with the files as they were
 * @throws {StorageError} when something cannot be read or written; the state is as it was then
 */
export async function repairState(
  folder: string,
  { wasmFile }: CheckpointPrograms,
): Promise<string> {
  const sql = await initSqlJs({ locateFile: () => wasmFile });
  const files = await stateFiles(folder);
  const journal = Journal.claim(folder);
  try {
    const kept = path.join(folder, `damaged-${new Date().toISOString().replaceAll(':', '-')}`);
    await keepFiles(folder, files, kept);
    const recovered = await recover(sql, folder, { before: journal.generation, isLenient: true });
    const image = recovered.db.export();
    recovered.db.close();
    // With this snapshot nothing before it is read any more.
    await writeSnapshot(folder, journal.generation, { image, seq: recovered.seq });
    await journal.begin(recovered.seq, []);
    for (const name of files) await fs.rm(path.join(folder, name), { force: true });
    return kept;
  } finally {
    await journal.close();
  }
}

async function stateFiles(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await fs.readdir(folder);
  } catch (error) {
    throw new StorageError('not-readable', folder, error);
  }
  return [
    ...snapshotGenerations(names).map(snapshotName),
    ...journalGenerations(names).map(journalName),
  ];
}

async function keepFiles(folder: string, files: readonly string[], kept: string): Promise<void> {
  try {
    await ensurePrivateFolder(kept);
    for (const name of files) await fs.copyFile(path.join(folder, name), path.join(kept, name));
    await syncFolder(kept);
  } catch (error) {
    throw StorageError.ofWrite(kept, error);
  }
}
