import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode, UserError } from '../../base/errors';
import { exists } from '../../base/files';

/** A path leads out of the folder that the agent works in, or names that folder itself. */
export class OutsideFolderError extends UserError {
  override name = 'OutsideFolderError';

  constructor(
    readonly folder: string,
    readonly given: string,
  ) {
    super(`"${given}" is not inside ${folder}, and I stay in that folder.`);
  }
}

/**
 * The absolute path of `given`, which is relative to `folder`. Links are followed, so that none leads
 * out. Nothing needs to be there yet. This keeps a script tidy; it is no defence against a program
 * that changes links at the same time.
 * @throws {OutsideFolderError} when the path leaves the folder or is the folder
 */
export async function resolveInside(folder: string, given: string): Promise<string> {
  const target = path.resolve(folder, given);
  if (!isBelow(folder, target)) throw new OutsideFolderError(folder, given);
  const reached = await realPathOfExistingPart(target);
  const realFolder = await fs.realpath(folder);
  if (reached !== realFolder && !isBelow(realFolder, reached ?? '')) {
    throw new OutsideFolderError(folder, given);
  }
  return target;
}

/** True when both paths lead to the same place; links and missing folders are allowed. */
export async function isSamePlace(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([realPathOrItself(one), realPathOrItself(other)]);
  return a === b;
}

function isBelow(folder: string, target: string): boolean {
  const relative = path.relative(folder, target);
  const [first] = relative.split(path.sep);
  return relative !== '' && first !== '..' && !path.isAbsolute(relative);
}

/**
 * Where the deepest part of `target` that exists really is; undefined when that is a link to
 * nowhere, because writing there would make its target.
 */
async function realPathOfExistingPart(target: string): Promise<string | undefined> {
  try {
    return await fs.realpath(target);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
    if (await exists(target)) return undefined;
    return realPathOfExistingPart(path.dirname(target));
  }
}

async function realPathOrItself(place: string): Promise<string> {
  try {
    return await fs.realpath(place);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return path.resolve(place);
    throw error;
  }
}
