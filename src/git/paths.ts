import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode } from '../base/errors';

/**
 * The one name of a place, with all links resolved; what is not there (yet, or any more) is
 * appended as it is written.
 */
export async function canonicalPath(place: string): Promise<string> {
  const absolute = path.resolve(place);
  try {
    return await fs.realpath(absolute);
  } catch (error) {
    const parent = path.dirname(absolute);
    const isMissing = errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR';
    if (!isMissing || parent === absolute) throw error;
    return path.join(await canonicalPath(parent), path.basename(absolute));
  }
}

/** True when `place` is `folder` or lies below it. Both must be canonical. */
export function isWithin(folder: string, place: string): boolean {
  const relative = path.relative(folder, place);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** Removes `folder` when it is an empty folder, and otherwise leaves it without complaint. */
export async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await fs.rmdir(folder);
  } catch {
    // Not empty, not there, a link, or not ours to remove: each is a reason to leave it.
  }
}
