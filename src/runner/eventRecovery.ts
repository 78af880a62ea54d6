import type { FileHandle } from 'node:fs/promises';
import { UserError } from '../base/errors';
import { LineSplitter } from '../base/lines';
import type { SessionEvent } from '../domain/events';

const BLOCK_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;

/** What an event file holds from before. */
export interface RecoveredEvents {
  /** 0 when there is no event. */
  readonly lastSeq: number;
  /** Length of the complete lines. */
  readonly bytes: number;
  /** Ids of the prompts that the agent was given. */
  readonly promptIds: ReadonlySet<string>;
}

/**
 * Reads through an event file to its last complete line.
 * @throws {UserError} when that line is no event: then the file is not ours to append to
 */
export async function recoverEvents(handle: FileHandle): Promise<RecoveredEvents> {
  let bytes = 0;
  let lastLine: string | undefined;
  const promptIds = new Set<string>();
  const splitter = new LineSplitter((line) => {
    lastLine = line;
    if (!line.includes('"turn-started"')) return;
    const event = parseEvent(line);
    if (event?.type === 'turn-started') promptIds.add(event.commandId);
  }, Number.MAX_SAFE_INTEGER);
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let position = 0; ;) {
    const { bytesRead } = await handle.read(block, 0, block.length, position);
    if (bytesRead === 0) break;
    const chunk = block.subarray(0, bytesRead);
    const lineEnd = chunk.lastIndexOf(LINE_FEED);
    if (lineEnd >= 0) bytes = position + lineEnd + 1;
    splitter.push(chunk);
    position += bytesRead;
  }
  if (lastLine === undefined) return { lastSeq: 0, bytes, promptIds };
  const lastSeq = parseEvent(lastLine)?.seq;
  if (!Number.isSafeInteger(lastSeq) || lastSeq === undefined || lastSeq < 1) {
    throw new UserError(
      'The last line of the session’s events.ndjson is no event. Move the file away and start the session again.',
    );
  }
  return { lastSeq, bytes, promptIds };
}

function parseEvent(line: string): SessionEvent | undefined {
  try {
    return JSON.parse(line) as SessionEvent;
  } catch {
    return undefined;
  }
}
