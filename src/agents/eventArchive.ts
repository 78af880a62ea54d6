import { createReadStream, createWriteStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { errorCode } from '../base/errors';
import { exists } from '../base/files';
import type { Logger } from '../base/log';
import { EVENTS_FILE } from '../domain/runnerProtocol';
import type { SessionTable } from '../session/ports';
import { listSealed, sealedName, seqOfLine, splitLines } from './eventSegments';

/**
 * Keeps the events of sessions that will have no more of them small: those of completed sessions are
 * compressed; those of sessions that are no longer in the database are removed when nothing has
 * touched them for the given time. Goes on past a session that fails, and logs it.
 * @param keepMs how long the events of a deleted session are kept, in milliseconds
 */
export async function archiveEvents(
  sessionsFolder: string,
  sessions: Pick<SessionTable, 'get'>,
  keepMs: number,
  log: Logger,
): Promise<void> {
  for (const id of await namesIn(sessionsFolder)) {
    const folder = path.join(sessionsFolder, id);
    try {
      const session = sessions.get(id);
      if (session?.state === 'completed') await compress(folder);
      else if (!session && (await idleMs(folder)) > keepMs) {
        await fs.rm(folder, { recursive: true, force: true });
        log.info(`session ${id} was deleted long ago; its events were removed`);
      }
    } catch (error) {
      log.error(`session ${id}: its events could not be put in order`, error);
    }
  }
}

/** Makes an archive of every segment; at every instant one of the two files is whole. */
async function compress(folder: string): Promise<void> {
  await sealCurrent(folder);
  for (const { file, isCompressed } of await listSealed(folder)) {
    if (isCompressed) continue;
    const archive = `${file}.gz`;
    const temporary = `${archive}.tmp`;
    await pipeline(
      createReadStream(file),
      createGzip(),
      createWriteStream(temporary, { mode: 0o600, flush: true }),
    );
    await fs.rename(temporary, archive);
    await fs.rm(file);
  }
}

/** Nothing will be added to the last segment, so it becomes one like the others. */
async function sealCurrent(folder: string): Promise<void> {
  const file = path.join(folder, EVENTS_FILE);
  if (!(await exists(file))) return;
  for await (const line of splitLines(createReadStream(file))) {
    const firstSeq = seqOfLine(line);
    if (firstSeq === undefined) throw new Error(`The first line of ${file} is no event.`);
    await fs.rename(file, path.join(folder, sealedName(firstSeq)));
    return;
  }
  await fs.rm(file);
}

async function idleMs(folder: string): Promise<number> {
  const names = await fs.readdir(folder);
  const times = await Promise.all(
    [folder, ...names.map((name) => path.join(folder, name))].map(
      async (file) => (await fs.stat(file)).mtimeMs,
    ),
  );
  return Date.now() - Math.max(...times);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await fs.readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
