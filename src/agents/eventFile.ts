import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { errorCode } from '../base/errors';
import { exists } from '../base/files';
import type { SessionEvent } from '../domain/events';
import { upgradeEvent } from '../domain/upgradeEvent';

const LINE_FEED = 0x0a;

/**
 * Reads the events of a session from its file, in order, as far as they are complete at this moment;
 * a torn last line is left out. One that was compressed is read as well; without any, there are no
 * events. For runners that are gone:
 * while one lives, subscribe instead.
 * @param file path of the session's `events.ndjson`
 * @param fromSeq first event that is wanted; default 1
 * @throws {SyntaxError} when a complete line is not JSON, which no crash of a runner can leave behind
 */
export async function* readEvents(file: string, fromSeq = 1): AsyncGenerator<SessionEvent> {
  for await (const line of readLines(file)) {
    const event = JSON.parse(line) as SessionEvent;
    if (event.seq >= fromSeq) yield upgradeEvent(event);
  }
}

/** The complete lines of a file, or else of its archive, without their line feeds. */
async function* readLines(file: string): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  try {
    for await (const chunk of await openEvents(file)) {
      let start = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
        pending.push(chunk.subarray(start, end));
        yield Buffer.concat(pending).toString('utf8');
        pending = [];
        start = end + 1;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

async function openEvents(file: string): Promise<AsyncIterable<Buffer>> {
  if (await exists(file)) return createReadStream(file);
  return createReadStream(`${file}.gz`).compose(createGunzip()) as AsyncIterable<Buffer>;
}
