import type { Dirent } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode } from '../base/errors';

/**
 * The folders below `top` that hold a repository of their own, relative to it and with slashes:
 * clones, worktrees of any repository, submodules and bare repositories. Links are not followed.
 * Git is of no help here: it does not look into folders that are ignored.
 */
export async function findNestedRepositories(top: string): Promise<string[]> {
  const found: string[] = [];
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries = await readFolder(path.join(top, folder));
    if (folder !== '' && isRepository(entries)) {
      found.push(folder);
      continue;
    }
    for (const entry of entries) {
      const isOwn = folder === '' && entry.name.toLowerCase() === '.git';
      if (entry.isDirectory() && !isOwn) pending.push(path.posix.join(folder, entry.name));
    }
  }
  return found.sort();
}

/** By its `.git` (a folder, or a file that names one elsewhere), or by the makings of a bare one. */
function isRepository(entries: readonly Dirent[]): boolean {
  const names = new Set(entries.map((entry) => entry.name));
  return names.has('.git') || ['HEAD', 'objects', 'refs'].every((name) => names.has(name));
}

async function readFolder(folder: string): Promise<Dirent[]> {
  try {
    return await fs.readdir(folder, { withFileTypes: true });
  } catch (error) {
    // It may vanish while we look.
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
