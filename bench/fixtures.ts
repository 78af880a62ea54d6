import type { SqlJsStatic } from 'sql.js';
import type { Session } from '../src/domain/session';
import { migrate } from '../src/store/migrations';
import { prepareDatabase, Statements } from '../src/store/statements';
import { Tables } from '../src/store/tables';
import { makeSession } from '../test/support/sessions';
import { makeHandoff } from '../test/support/stores';

/** Number of bytes in a megabyte, as it is meant here. */
export const MB = 1_000_000;

/** How many sessions the stores have that grow by their messages. */
export const SESSIONS = 300;

const START = 1_750_000_000_000;
/** Of the messages, as many are handoffs (and have a row in that table) as one in: */
const HANDOFF_EVERY = 5;
/** And as many are still unread: */
const UNREAD_EVERY = 20;
const QUEUED_EVERY = 25;

/** What a database is filled with. */
export interface Filling {
  readonly sessions: number;
  readonly messages: number;
  /** Length of a message's text. */
  readonly chars: number;
}

/** A filling of {@link SESSIONS} sessions that makes a database of about so many bytes. */
export function fillingOf(bytes: number): Filling {
  const chars = 1_000;
  // A row and its place in the indexes take about 90 bytes; a session about 700.
  return {
    sessions: SESSIONS,
    messages: Math.max(0, Math.round((bytes - SESSIONS * 700) / (chars + 130))),
    chars,
  };
}

/** The id of the n-th session. */
export function sessionId(n: number): string {
  // Spread over the whole range, as random ids are.
  return ((n * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0');
}

/** The n-th session as it looks in the middle of its work. */
export function workingSession(n: number): Session {
  const id = sessionId(n);
  return makeSession({
    id,
    task: `Have the importer read ${n} files at once and report which of them it could not read, with a test.`,
    agentType: 'claude',
    workingDir: `/home/user/projects/importer.worktrees/${id}`,
    state: n % 10 === 0 ? 'running' : 'completed',
    presence: n % 10 === 0 ? 'alive' : 'gone',
    pid: n % 10 === 0 ? 10_000 + n : undefined,
    worktree: {
      path: `/home/user/projects/importer.worktrees/${id}`,
      branch: `deputy/${id}`,
      baseBranch: 'main',
      baseCommit: '0123456789abcdef0123456789abcdef01234567',
    },
    repository: '/home/user/projects/importer',
    conversationId: `conversation-${id}-0000-4000-8000-000000000000`,
    appliedSeq: n,
    metrics: { tokensUsed: 1_000 + n, toolCalls: n, filesChanged: 3, durationSecs: 60, costUsd: 1 },
    createdAt: START + n * 1_000,
    updatedAt: START + ((n * 7_919) % 100_000) * 1_000,
  });
}

/** A text of so many characters that is not the same twice. */
export function textOf(n: number, chars: number): string {
  const words = `${n} The parser now keeps the order of the files, and the test shows it. `;
  return JSON.stringify({ text: words.repeat(Math.ceil(chars / words.length)).slice(0, chars) });
}

/**
 * Fills tables: sessions of which every tenth leads the nine that follow it, and messages from a lead
 * to its delegates, one in five of them a handoff.
 * @param statements those of the tables, for what has no method of its own
 */
function fill(tables: Tables, statements: Statements, filling: Filling): void {
  for (let n = 0; n < filling.sessions; n++) tables.sessions.insert(workingSession(n));
  for (let n = 0; n < filling.messages; n++) {
    const delegate = n % filling.sessions;
    const from = sessionId(delegate - (delegate % 10));
    const to = sessionId(delegate);
    const isHandoff = (n + Math.floor(n / filling.sessions)) % HANDOFF_EVERY === 0 && from !== to;
    const id = tables.messages.insert({
      from,
      to,
      type: isHandoff ? 'task_handoff' : 'query',
      content: textOf(n, filling.chars),
      timestamp: START + n,
    });
    if (!isHandoff) continue;
    const state = id % QUEUED_EVERY === 0 ? 'queued' : 'done';
    const purpose = id % 3 === 0 ? 'team' : 'self';
    tables.handoffs.insert(makeHandoff({ id, from, to, state, purpose }));
  }
  statements.run('UPDATE messages SET read = 1 WHERE id % ? <> 0', [UNREAD_EVERY]);
}

/** A filled database as the bytes of an SQLite file. */
export function buildImage(sql: SqlJsStatic, filling: Filling): Uint8Array {
  return imageOf(sql, (tables, statements) => fill(tables, statements, filling));
}

/**
 * A database as the bytes of an SQLite file.
 * @param fillTables called once, inside a transaction
 */
export function imageOf(
  sql: SqlJsStatic,
  fillTables: (tables: Tables, statements: Statements) => void,
): Uint8Array {
  const db = new sql.Database();
  prepareDatabase(db);
  const statements = new Statements(db);
  try {
    statements.run('BEGIN');
    migrate(statements, 0);
    fillTables(new Tables(statements, () => undefined), statements);
    statements.run('COMMIT');
  } finally {
    statements.dispose();
  }
  const image = db.export();
  db.close();
  return image;
}
