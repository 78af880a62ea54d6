import type { Database } from 'sql.js';

/**
 * The schema, as numbered steps: step n brings a database of version n - 1 (`PRAGMA user_version`) to
 * version n. A step that was released is never changed.
 */
const STEPS: readonly string[] = [
  `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    agent_type TEXT NOT NULL,
    working_dir TEXT NOT NULL,
    state TEXT NOT NULL,
    role TEXT NOT NULL,
    presence TEXT NOT NULL,
    pid INTEGER,
    worktree_path TEXT,
    worktree_branch TEXT,
    base_branch TEXT,
    base_commit TEXT,
    repository TEXT,
    conversation_id TEXT,
    requests TEXT NOT NULL,
    reason TEXT,
    applied_seq INTEGER NOT NULL,
    tokens_used INTEGER NOT NULL,
    tool_calls INTEGER NOT NULL,
    files_changed INTEGER NOT NULL,
    duration_secs REAL NOT NULL,
    cost_usd REAL NOT NULL,
    turn_started_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sessions_updated ON sessions(updated_at DESC);

  CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    from_session TEXT NOT NULL,
    to_session TEXT NOT NULL,
    msg_type TEXT NOT NULL,
    content TEXT NOT NULL,
    read INTEGER NOT NULL DEFAULT 0,
    timestamp INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX messages_unread ON messages(to_session, msg_type) WHERE read = 0;

  CREATE TABLE handoffs (
    message_id INTEGER PRIMARY KEY,
    from_session TEXT NOT NULL,
    to_session TEXT NOT NULL
  ) STRICT;
  CREATE INDEX handoffs_from ON handoffs(from_session, to_session, message_id);
  CREATE INDEX handoffs_to ON handoffs(to_session, message_id);
  `,
];

/** The version that this release writes. */
export const SCHEMA_VERSION = STEPS.length;

/** Reads the version of a database; 0 for an empty one. */
export function schemaVersion(db: Database): number {
  return Number(db.exec('PRAGMA user_version')[0]?.values[0]?.[0] ?? 0);
}

/** Brings a database of an older version to {@link SCHEMA_VERSION}, in one transaction. */
export function migrate(db: Database): void {
  const from = schemaVersion(db);
  db.exec('BEGIN');
  try {
    for (const step of STEPS.slice(from)) db.exec(step);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
