import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { ensurePrivateFolder } from '../base/files';
import { errorCode } from '../base/errors';
import { StorageError } from '../domain/storageErrors';
import { runInBackground, type CheckpointPrograms } from './checkpointer';

/** What of a session's folder is exported; how its runner is reached is nobody's business. */
const EXPORTED = /^events\.ndjson(\.gz)?$/;

/**
 * Writes the state as plain files: `deputy.sqlite`, which any SQLite tool opens, and the events of
 * each session under `sessions/<id>/`. Only reads the state, so it works beside its owner.
 * @param home the folder of the state
 * @param target a folder to be made; its files are readable by the user only
 * @returns how many sessions' events were written
 * @throws {StorageError} when something cannot be read or written
 */
export async function exportState(
  home: string,
  target: string,
  programs: CheckpointPrograms,
): Promise<number> {
  try {
    await ensurePrivateFolder(target);
  } catch (error) {
    throw StorageError.ofWrite(target, error);
  }
  const database = path.join(target, 'deputy.sqlite');
  await runInBackground(programs, { kind: 'export', folder: home, target: database });
  const sessions = path.join(home, 'sessions');
  let count = 0;
  for (const id of await namesIn(sessions)) {
    const names = (await namesIn(path.join(sessions, id))).filter((name) => EXPORTED.test(name));
    if (names.length > 0) count += 1;
    for (const name of names) {
      const copy = path.join(target, 'sessions', id, name);
      try {
        await ensurePrivateFolder(path.dirname(copy));
        await fs.copyFile(path.join(sessions, id, name), copy);
      } catch (error) {
        throw StorageError.ofWrite(copy, error);
      }
    }
  }
  return count;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await fs.readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw new StorageError('not-readable', folder, error);
  }
}
