import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode } from '../base/errors';
import { EVENTS_ARCHIVE } from '../domain/runnerProtocol';

/**
 * A session's events lie in segments: `events.ndjson` is the one that is written to. When it has grown
 * enough it is sealed: renamed to `events-<number of its first event>.ndjson`, never changed again, and
 * at last compressed or deleted. Within a segment events are numbered without gaps; between two of them
 * numbers may be left out.
 */
export interface SealedSegment {
  /** `seq` of its first event. */
  readonly firstSeq: number;
  readonly file: string;
  readonly isCompressed: boolean;
}

const SEALED = /^events-(\d{12})\.ndjson(\.gz)?$/;
const LINE_FEED = 0x0a;
const LINE_START = Buffer.from('{"seq":');
const ZERO = 0x30;

/** Name of the sealed segment that begins with event `firstSeq`. */
export function sealedName(firstSeq: number): string {
  return `events-${String(firstSeq).padStart(12, '0')}.ndjson`;
}

/**
 * The sealed segments of a session in their order; none where there is no folder. Of one that is there
 * twice, because its compression was interrupted, the plain one counts.
 */
export async function listSealed(folder: string): Promise<SealedSegment[]> {
  const found = new Map<number, SealedSegment>();
  for (const name of await namesIn(folder)) {
    const match = SEALED.exec(name);
    // Before there were segments, all events of a completed session were in one archive.
    if (!match && name !== EVENTS_ARCHIVE) continue;
    const firstSeq = match ? Number(match[1]) : 1;
    const isCompressed = match?.[2] !== undefined || !match;
    if (isCompressed && found.has(firstSeq)) continue;
    found.set(firstSeq, { firstSeq, file: path.join(folder, name), isCompressed });
  }
  return [...found.values()].sort((a, b) => a.firstSeq - b.firstSeq);
}

/** The complete lines of a stream, without their line feeds; what follows the last one is left out. */
export async function* splitLines(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const rest = chunk.subarray(start, end);
      yield pending.length === 0 ? rest : Buffer.concat([...pending, rest]);
      pending = [];
      start = end + 1;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
}

/**
 * `seq` of the event on a line, without reading all of it where the line was written by a runner.
 * @returns undefined when the line is JSON, but no event
 * @throws {SyntaxError} when it is not JSON
 */
export function seqOfLine(line: Buffer): number | undefined {
  if (line.subarray(0, LINE_START.length).equals(LINE_START)) {
    let seq = 0;
    let at = LINE_START.length;
    for (let digit = line[at]; digit !== undefined && isDigit(digit); digit = line[++at]) {
      seq = seq * 10 + digit - ZERO;
    }
    if (seq > 0 && line[at] === 0x2c) return seq;
  }
  const value: unknown = JSON.parse(line.toString('utf8'));
  const seq = typeof value === 'object' && value !== null && 'seq' in value ? value.seq : 0;
  return Number.isSafeInteger(seq) && Number(seq) > 0 ? Number(seq) : undefined;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    // Sorted, so that a plain file comes before its archive.
    return (await fs.readdir(folder)).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
