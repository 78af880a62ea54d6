import type { Database } from 'sql.js';
import type { Statements } from './statements';

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
  CREATE INDEX messages_handoffs ON messages(from_session, to_session, id)
    WHERE msg_type = 'task_handoff';

  CREATE TABLE handoffs (
    message_id INTEGER PRIMARY KEY,
    from_session TEXT NOT NULL,
    to_session TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    origin_id INTEGER,
    attempts INTEGER NOT NULL,
    reason TEXT,
    deadline INTEGER,
    after INTEGER,
    result_message_id INTEGER
  ) STRICT;
  CREATE INDEX handoffs_from ON handoffs(from_session, to_session, message_id);
  CREATE INDEX handoffs_to ON handoffs(to_session, message_id);
  CREATE INDEX handoffs_queued ON handoffs(to_session, purpose) WHERE state = 'queued';

  CREATE TABLE turns (
    session_id TEXT NOT NULL,
    command_id TEXT NOT NULL,
    handoff_id INTEGER,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    stop_reason TEXT,
    tokens INTEGER,
    cost_usd REAL,
    PRIMARY KEY (session_id, command_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE tool_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL,
    tool_name TEXT NOT NULL,
    input_summary TEXT NOT NULL,
    output_summary TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    risk_score REAL NOT NULL,
    timestamp INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX tool_log_session ON tool_log(session_id, id DESC);

  CREATE TABLE attention (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    settled_at INTEGER
  ) STRICT;
  CREATE INDEX attention_open ON attention(created_at) WHERE settled_at IS NULL;

  CREATE TABLE activity (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;

  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE sessions ADD COLUMN worktree_removed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sessions ADD COLUMN initial_handoff INTEGER;
  ALTER TABLE sessions ADD COLUMN last_event_at INTEGER;
  CREATE INDEX sessions_active ON sessions(updated_at DESC, id)
    WHERE state IN ('pending', 'running', 'idle');
  CREATE INDEX sessions_pending ON sessions(created_at) WHERE state = 'pending';
  CREATE INDEX sessions_running ON sessions(id) WHERE state = 'running';
  CREATE INDEX sessions_worktrees ON sessions(worktree_path)
    WHERE state IN ('running', 'idle') AND worktree_path IS NOT NULL AND worktree_removed = 0;
  CREATE TABLE deleted_sessions (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    deleted_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE delegations (
    from_session TEXT NOT NULL,
    to_session TEXT NOT NULL,
    PRIMARY KEY (from_session, to_session)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO delegations SELECT DISTINCT from_session, to_session FROM handoffs;
  ALTER TABLE handoffs ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
  DROP INDEX handoffs_queued;
  CREATE INDEX handoffs_queued ON handoffs(to_session, purpose, priority DESC, message_id)
    WHERE state = 'queued';
  CREATE INDEX handoffs_inbox
    ON handoffs(to_session, state, purpose, priority DESC, message_id);
  CREATE INDEX handoffs_put_off ON handoffs(after) WHERE state = 'queued' AND after IS NOT NULL;
  CREATE INDEX handoffs_deadline ON handoffs(deadline)
    WHERE state = 'queued' AND deadline IS NOT NULL;
  CREATE INDEX handoffs_origin ON handoffs(origin_id, message_id);
  CREATE INDEX handoffs_stranded ON handoffs(message_id) WHERE state = 'stranded';
  CREATE INDEX turns_handoff ON turns(session_id, handoff_id, started_at);

  CREATE INDEX messages_inbox ON messages(to_session, id DESC);
  `,
  `
  ALTER TABLE sessions ADD COLUMN can_continue INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sessions ADD COLUMN ending TEXT;
  ALTER TABLE sessions ADD COLUMN totals TEXT;
  ALTER TABLE sessions ADD COLUMN is_cost_known INTEGER NOT NULL DEFAULT 0;
  UPDATE sessions SET is_cost_known = 1 WHERE cost_usd > 0;
  `,
];

/** The version that this release writes. */
export const SCHEMA_VERSION = STEPS.length;

/** Reads the version of a database; 0 for an empty one. */
export function schemaVersion(db: Database): number {
  return Number(db.exec('PRAGMA user_version')[0]?.values[0]?.[0] ?? 0);
}

/**
 * Brings a database of an older version to {@link SCHEMA_VERSION}; call it inside a transaction, so
 * that it is journaled like any other change.
 * @param from its version
 */
export function migrate(statements: Statements, from: number): void {
  for (const step of STEPS.slice(from)) {
    for (const statement of step.split(/;\s*$/m)) {
      if (statement.trim() !== '') statements.run(statement.trim());
    }
  }
  statements.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}
