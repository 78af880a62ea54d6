import * as path from 'node:path';
import type { SessionEvent } from '../../../src/domain/events';

/** Lines that a turn says, and the time between two, in milliseconds. */
const LINES = 40;
const PAUSE_MS = 25;

/** What a session is told in its nth turn. */
export function taskOf(turn: number): string {
  return `say turn ${turn}\ncount ${LINES} ${PAUSE_MS}`;
}

/** Where a stand-in of the host shows what a session puts out. */
export function channelFile(root: string, sessionId: string): string {
  return path.join(root, `channel-${sessionId}.txt`);
}

/** All that must be said in so many turns. */
function linesOf(turns: number): string[] {
  const lines: string[] = [];
  for (let turn = 1; turn <= turns; turn++) {
    lines.push(`turn ${turn}`);
    for (let line = 1; line <= LINES; line++) lines.push(`line ${line} of ${LINES}`);
  }
  return lines;
}

/**
 * Holds the output of a session against what it must be.
 * @param text whatever else it holds, each line of the work must be there once, and in order
 * @returns the first difference; undefined when there is none
 */
export function faultInText(text: string, turns: number): string | undefined {
  const found = text.split('\n').filter((line) => /^(turn \d+|line \d+ of \d+)$/.test(line));
  const expected = linesOf(turns);
  const at = expected.findIndex((line, index) => found[index] !== line);
  if (at >= 0) return `"${found[at] ?? 'nothing'}" instead of "${expected[at] ?? ''}" at ${at}`;
  return found.length > expected.length
    ? `"${found[expected.length] ?? ''}" after the end`
    : undefined;
}

/**
 * Holds a session's events against what they must be: numbered without gaps, every turn begun once
 * and ended as it should, and its lines said once and in order.
 * @returns the first difference; undefined when there is none
 */
export function faultInEvents(events: readonly SessionEvent[], turns: number): string | undefined {
  const misplaced = events.findIndex((event, index) => event.seq !== index + 1);
  if (misplaced >= 0) return `event ${events[misplaced]?.seq ?? 0} at ${misplaced + 1}`;
  const started = events.flatMap((event) => (event.type === 'turn-started' ? [event] : []));
  const ended = events.flatMap((event) => (event.type === 'turn-ended' ? [event] : []));
  if (started.length !== turns || ended.length !== turns) {
    return `${started.length} turns begun and ${ended.length} ended instead of ${turns}`;
  }
  for (const [index, { commandId }] of started.entries()) {
    const end = ended[index];
    if (end?.commandId !== commandId || end.stopReason !== 'end_turn') {
      return `turn ${index + 1} ended as ${end?.stopReason ?? 'none'}: ${end?.error ?? ''}`;
    }
  }
  if (new Set(started.map(({ commandId }) => commandId)).size !== turns) return 'a turn twice';
  const said = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
  return faultInText(said, turns);
}
