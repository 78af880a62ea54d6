import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { cacheFolder } from './paths';

/** Something that is made once and kept below `.vscode-test/`. */
export interface CachedPart {
  /** The folder's name; it holds the version, so that another version is another folder. */
  readonly name: string;
  /** Files, relative to the folder, without which the part counts as damaged. */
  readonly needed: readonly string[];
  /** Fills `folder`, which exists and is empty. */
  build(folder: string): Promise<void>;
}

const STAMP = '.complete';
const WORK_PREFIX = '.work-';

/**
 * The folder of a part, made when it is missing or damaged. The part is built beside its place and
 * moved there when it is whole: an interrupted build is never seen, and of two processes that
 * build at once the later one uses what the earlier one has put there.
 */
export async function ensurePart(part: CachedPart): Promise<string> {
  const folder = path.join(cacheFolder(), part.name);
  if (await isWhole(folder, part)) return folder;
  await fs.mkdir(cacheFolder(), { recursive: true });
  await removeStaleWork();
  const work = path.join(cacheFolder(), `${WORK_PREFIX}${process.pid}-${randomUUID().slice(0, 8)}`);
  try {
    await fs.mkdir(work);
    await part.build(work);
    await fs.writeFile(path.join(work, STAMP), `${part.name}\n`);
    if (!(await isWhole(work, part))) {
      throw new Error(`${part.name} was installed, but lacks one of: ${part.needed.join(', ')}.`);
    }
    if (!(await isWhole(folder, part))) {
      await fs.rm(folder, { recursive: true, force: true });
      await fs.rename(work, folder).catch(async (error: unknown) => {
        if (!(await isWhole(folder, part))) throw error;
      });
    }
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
  return folder;
}

async function isWhole(folder: string, part: CachedPart): Promise<boolean> {
  const files = [STAMP, ...part.needed].map((name) => path.join(folder, name));
  const found = await Promise.allSettled(files.map((file) => fs.access(file)));
  return found.every((result) => result.status === 'fulfilled');
}

/** Removes what interrupted builds have left: folders of processes that do not exist any more. */
async function removeStaleWork(): Promise<void> {
  for (const name of await fs.readdir(cacheFolder())) {
    const owner = new RegExp(`^\\${WORK_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || isRunning(Number(owner))) continue;
    await fs.rm(path.join(cacheFolder(), name), { recursive: true, force: true, maxRetries: 3 });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
