import { createReadStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { createGunzip } from 'node:zlib';
import { messageOf, UserError } from '../base/errors';
import { listSealed, seqOfLine, splitLines } from '../agents/eventSegments';
import { EVENTS_FILE } from '../domain/runnerProtocol';
import { Segment } from './segment';

/** What a session's folder holds from before. */
export interface RecoveredLog {
  /** Those that can be read line by line, in their order. */
  readonly sealed: Segment[];
  readonly current: Segment;
  /** Open for appending; {@link current} has adopted it. */
  readonly handle: fs.FileHandle;
  /** 0 when there is no event. */
  readonly lastSeq: number;
  /** Ids of the commands that were acted on, as far as their events come after `appliedSeq`. */
  readonly commandIds: ReadonlySet<string>;
}

/** What was found in one segment. */
interface Scan {
  readonly firstSeq: number | undefined;
  readonly lastSeq: number | undefined;
  /** Length of the complete lines. */
  readonly bytes: number;
}

/**
 * Finds where the log of a session goes on, whatever instant it was cut off at, and makes the current
 * segment when there is none. A torn last line is removed. Only segments with events after `appliedSeq`
 * are read, or else the last one: what is older is settled and comes from nobody again.
 * @throws {UserError} when what is there are not events: then the files are not ours to append to
 */
export async function recoverLog(folder: string, appliedSeq: number): Promise<RecoveredLog> {
  const files = await listSealed(folder);
  const commandIds = new Set<string>();
  const file = path.join(folder, EVENTS_FILE);
  const handle = await fs.open(file, 'a+', 0o600);
  try {
    const current = await scan(
      handle.createReadStream({ autoClose: false, start: 0 }),
      file,
      commandIds,
    );
    let { lastSeq } = current;
    let successorSeq = current.firstSeq;
    const sealed: Segment[] = [];
    for (const { file: sealedFile, firstSeq, isCompressed } of [...files].reverse()) {
      if (successorSeq === undefined || successorSeq - 1 > appliedSeq) {
        const stream = createReadStream(sealedFile);
        const found = await scan(
          isCompressed ? (stream.compose(createGunzip()) as AsyncIterable<Buffer>) : stream,
          sealedFile,
          commandIds,
        );
        lastSeq ??= found.lastSeq;
      }
      successorSeq = firstSeq;
      if (isCompressed) continue;
      const { size } = await fs.stat(sealedFile);
      sealed.unshift(new Segment(firstSeq, sealedFile, size, true));
    }
    lastSeq ??= 0;
    await handle.truncate(current.bytes);
    // An empty segment begins with whatever comes next.
    const firstSeq = current.firstSeq ?? Math.max(lastSeq, appliedSeq) + 1;
    const segment = new Segment(firstSeq, file, current.bytes, false);
    segment.adopt(handle);
    return { sealed, current: segment, handle, lastSeq, commandIds };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function scan(
  stream: AsyncIterable<Buffer>,
  file: string,
  commandIds: Set<string>,
): Promise<Scan> {
  let bytes = 0;
  let firstLine: Buffer | undefined;
  let lastLine: Buffer | undefined;
  for await (const line of splitLines(stream)) {
    bytes += line.length + 1;
    firstLine ??= line;
    lastLine = line;
    if (!line.includes('"commandId"')) continue;
    const id = commandIdOf(line);
    if (id !== undefined) commandIds.add(id);
  }
  if (!firstLine || !lastLine) return { firstSeq: undefined, lastSeq: undefined, bytes };
  try {
    const [firstSeq, lastSeq] = [seqOfLine(firstLine), seqOfLine(lastLine)];
    // Parsed as a whole: what stands behind its number may be something else.
    JSON.parse(lastLine.toString('utf8'));
    if (firstSeq === undefined || lastSeq === undefined) throw new Error('A line is no event.');
    return { firstSeq, lastSeq, bytes };
  } catch (error) {
    throw new UserError(
      `The last line of the session’s ${path.basename(file)} is no event. Move the file away and start the session again.`,
      { cause: messageOf(error) },
    );
  }
}

/** The command that an event tells of; every one that was acted on has left such an event. */
function commandIdOf(line: Buffer): string | undefined {
  try {
    const event: unknown = JSON.parse(line.toString('utf8'));
    if (typeof event !== 'object' || event === null || !('commandId' in event)) return undefined;
    return typeof event.commandId === 'string' ? event.commandId : undefined;
  } catch {
    return undefined;
  }
}
