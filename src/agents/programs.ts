import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { ensurePrivateFolder, exists, writeFileAtomic } from '../base/files';

/**
 * Copies a program of the extension to a place that outlives an update, which deletes the extension's
 * folder under running processes. The folder is named after the content, so that a running program's
 * file is never replaced by another one.
 * @returns absolute path of the copy
 */
export async function keepProgram(program: string, storageFolder: string): Promise<string> {
  const content = await fs.readFile(program);
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  const folder = path.join(storageFolder, 'programs', hash);
  const copy = path.join(folder, path.basename(program));
  if (!(await exists(copy))) {
    await ensurePrivateFolder(folder);
    await writeFileAtomic(copy, content);
  }
  return copy;
}
