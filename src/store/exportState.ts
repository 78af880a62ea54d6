import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { ensurePrivateFolder } from '../base/files';
import { errorCode } from '../base/errors';
import { StorageError } from '../domain/storageErrors';
import { runInBackground, type CheckpointPrograms } from './checkpointer';

/** What of a session's folder is exported; how its runner is reached is nobody's business. */
const EXPORTED = /^events(-\d{12})?\.ndjson(\.gz)?$/;

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
    if (await exportEvents(path.join(sessions, id), path.join(target, 'sessions', id))) count += 1;
  }
  return count;
}

/** @returns false when the session has no events */
async function exportEvents(folder: string, target: string): Promise<boolean> {
  const done = new Set<string>();
  // Its runner may write meanwhile, and give a file that was not copied yet another name.
  for (;;) {
    const names = (await namesIn(folder)).filter((name) => EXPORTED.test(name) && !done.has(name));
    if (names.length === 0) return done.size > 0;
    for (const name of names) {
      done.add(name);
      const copy = path.join(target, name);
      try {
        await ensurePrivateFolder(target);
        await fs.copyFile(path.join(folder, name), copy);
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw StorageError.ofWrite(copy, error);
      }
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await fs.readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw new StorageError('not-readable', folder, error);
  }
}
