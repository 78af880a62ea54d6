import { createReadStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { createGunzip } from 'node:zlib';
import { errorCode } from '../base/errors';
import type { SessionEvent } from '../domain/events';
import { upgradeEvent } from '../domain/upgradeEvent';
import { EVENTS_FILE } from '../domain/runnerProtocol';
import { listSealed, seqOfLine, splitLines, type SealedSegment } from './eventSegments';

/** The last events of a session, see {@link readTail}. */
export interface EventTail {
  readonly events: readonly SessionEvent[];
  /** Older events were left out, or are no longer kept. */
  readonly isCut: boolean;
}

/**
 * Reads the events of a session from its files, in order and each once, as far as they are complete at
 * this moment; a torn last line is left out. Compressed ones are read as well; without any file there
 * are no events. When events from `fromSeq` on are no longer kept, it begins with the oldest that are.
 * A runner may write, rotate and delete meanwhile, but while one lives, subscribe instead.
 * @param folder the session's folder
 * @param fromSeq first event that is wanted; default 1
 * @throws {SyntaxError} when a complete line is not JSON, which no crash of a runner can leave behind
 */
export async function* readEvents(folder: string, fromSeq = 1): AsyncGenerator<SessionEvent> {
  const place: Place = { nextSeq: fromSeq, lastSealed: 0 };
  for (;;) {
    const sealed = await nextSealed(folder, place);
    if (sealed) {
      // One that is gone was deleted or compressed a moment ago; the next listing tells which.
      if (yield* readFrom(openSealed(sealed), place)) place.lastSealed = sealed.firstSeq;
      continue;
    }
    const current = await openCurrent(folder);
    if (!current) {
      // It may just be on its way to a sealed one.
      if (await nextSealed(folder, place)) continue;
      return;
    }
    try {
      // What was opened may follow a segment that was sealed since, or be it.
      if (await nextSealed(folder, place)) continue;
      yield* readFrom(current.createReadStream({ autoClose: false }), place);
    } finally {
      await current.close();
    }
    if (!(await nextSealed(folder, place))) return;
  }
}

/**
 * Reads the last events of a session: about as many as lie in the last `maxBytes` of its files, but at
 * least one when there is any.
 * @param folder the session's folder
 * @throws {SyntaxError} when a complete line is not JSON
 */
export async function readTail(folder: string, maxBytes: number): Promise<EventTail> {
  const fromSeq = await findTail(folder, maxBytes);
  const events: SessionEvent[] = [];
  for await (const event of readEvents(folder, fromSeq)) events.push(event);
  return { events, isCut: (events[0]?.seq ?? 1) > 1 };
}

/** How far a reader has come. */
interface Place {
  nextSeq: number;
  /** The last sealed segment that was read to its end, by its first `seq`. */
  lastSealed: number;
}

/** The next sealed segment that has events of interest; its successor tells where it ends. */
async function nextSealed(folder: string, place: Place): Promise<SealedSegment | undefined> {
  const sealed = await listSealed(folder);
  return sealed.find(({ firstSeq }, index) => {
    const successor = sealed[index + 1];
    return firstSeq > place.lastSealed && (!successor || successor.firstSeq > place.nextSeq);
  });
}

/** @returns false when the file is not there */
async function* readFrom(
  stream: AsyncIterable<Buffer>,
  place: Place,
): AsyncGenerator<SessionEvent, boolean> {
  try {
    for await (const line of splitLines(stream)) {
      const seq = seqOfLine(line);
      if (seq === undefined || seq < place.nextSeq) continue;
      const event = JSON.parse(line.toString('utf8')) as SessionEvent;
      place.nextSeq = seq + 1;
      yield upgradeEvent(event);
    }
    return true;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return false;
  }
}

function openSealed({ file, isCompressed }: SealedSegment): AsyncIterable<Buffer> {
  const stream = createReadStream(file);
  return isCompressed ? (stream.compose(createGunzip()) as AsyncIterable<Buffer>) : stream;
}

async function openCurrent(folder: string): Promise<fs.FileHandle | undefined> {
  try {
    return await fs.open(path.join(folder, EVENTS_FILE), 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** `seq` of the event that the last `maxBytes` begin with. */
async function findTail(folder: string, maxBytes: number): Promise<number> {
  const sealed = await listSealed(folder);
  const current: SealedSegment = {
    firstSeq: 0,
    file: path.join(folder, EVENTS_FILE),
    isCompressed: false,
  };
  let room = maxBytes;
  let fromSeq = Number.MAX_SAFE_INTEGER;
  for (const segment of [...sealed, current].reverse()) {
    const lines = await lastLines(segment, room);
    if (lines.firstSeq !== undefined) fromSeq = lines.firstSeq;
    room -= lines.bytes;
    if (room <= 0) break;
  }
  return fromSeq === Number.MAX_SAFE_INTEGER ? 1 : fromSeq;
}

/**
 * What of a segment belongs to a tail: its last lines of `maxBytes` together, but at least one line.
 * @returns the `seq` of the first of them and their length; more than `maxBytes` when lines were left out
 */
async function lastLines(
  segment: SealedSegment,
  maxBytes: number,
): Promise<{ readonly firstSeq: number | undefined; readonly bytes: number }> {
  /** Lengths of the lines that fit so far, in a ring that forgets the oldest. */
  let lengths: number[] = [];
  let forgotten = 0;
  let bytes = 0;
  let firstSeq: number | undefined;
  let isCut = false;
  try {
    for await (const line of splitLines(openSealed(segment))) {
      firstSeq ??= seqOfLine(line);
      lengths.push(line.length + 1);
      bytes += line.length + 1;
      while (bytes > maxBytes && lengths.length - forgotten > 1) {
        bytes -= lengths[forgotten++] ?? 0;
        if (firstSeq !== undefined) firstSeq += 1;
        isCut = true;
      }
      if (forgotten > 10_000) {
        lengths = lengths.slice(forgotten);
        forgotten = 0;
      }
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  return { firstSeq, bytes: isCut ? Number.MAX_SAFE_INTEGER : bytes };
}
