import * as path from 'node:path';
import type { SessionEvent } from '../domain/events';
import type { Session } from '../domain/session';

/** Longest summary of a turn, in characters. */
const MAX_SUMMARY = 600;
/** Most files that a result names. */
const MAX_FILES = 100;

/** What a turn came to, as far as its events tell. */
export interface TurnNote {
  /** What the agent said last; undefined when it said nothing. */
  readonly summary: string | undefined;
  /** Paths of files that it changed with its tools, relative to its folder where they are below it. */
  readonly filesChanged: readonly string[];
}

/** Listens to turns and remembers what their results should say. In memory, and bounded. */
export class TurnNotes {
  private readonly turns = new Map<string, { text: string; isDone: boolean; files: Set<string> }>();

  /** Takes notice of an event of a session. */
  hear(session: Session, event: SessionEvent): void {
    if (event.type === 'turn-started') {
      this.turns.set(session.id, { text: '', isDone: false, files: new Set() });
      return;
    }
    const turn = this.turns.get(session.id);
    if (!turn) return;
    if (event.type === 'text') {
      if (turn.isDone) turn.text = '';
      turn.isDone = false;
      turn.text = (turn.text + event.text).slice(0, 2 * MAX_SUMMARY);
    } else if (event.type === 'tool-call') {
      // What it says before it uses a tool is not what it came to.
      turn.isDone = true;
      if (!CHANGES.has(event.kind)) return;
      for (const file of event.locations.slice(0, MAX_FILES - turn.files.size)) {
        turn.files.add(shown(session.workingDir, file));
      }
    }
  }

  /** What is known of a session's latest turn. */
  of(sessionId: string): TurnNote {
    const turn = this.turns.get(sessionId);
    const text = turn?.text.trim() ?? '';
    return {
      summary:
        text === ''
          ? undefined
          : text.length > MAX_SUMMARY
            ? `${text.slice(0, MAX_SUMMARY - 1)}…`
            : text,
      filesChanged: [...(turn?.files ?? [])],
    };
  }

  /** The session has ended. */
  forget(sessionId: string): void {
    this.turns.delete(sessionId);
  }
}

const CHANGES = new Set(['edit', 'delete', 'move']);

function shown(folder: string, file: string): string {
  const relative = path.relative(folder, file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}
