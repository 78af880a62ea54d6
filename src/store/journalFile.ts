import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
import { StorageError } from '../domain/storageErrors';
import { journalGenerations, snapshotGenerations } from './journalFormat';

/**
 * The highest generation in a folder, of journals and of snapshots: a folder that has lost its
 * journals is not an empty one.
 * @returns 0 for an empty one
 * @throws {StorageError} `not-readable`
 */
export function highestGeneration(folder: string): number {
  try {
    const names = fs.readdirSync(folder);
    return Math.max(0, ...journalGenerations(names), ...snapshotGenerations(names));
  } catch (error) {
    throw new StorageError('not-readable', folder, error);
  }
}

/** One write where the system takes it in one; a part of a write is completed or fails. */
export function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;) {
    const written = fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
    if (written === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    done += written;
  }
}

/** Makes the content of a file durable. */
export async function syncFile(file: string): Promise<void> {
  // Windows syncs only what was opened for writing.
  const handle = await open(file, process.platform === 'win32' ? 'r+' : 'r');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Makes the content of an open file durable, off the event loop. */
export function fdatasync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(fd, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
