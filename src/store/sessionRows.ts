import type { SqlValue } from 'sql.js';
import {
  SESSION_STATES,
  type PermissionRequest,
  type Presence,
  type Session,
  type SessionRole,
  type Worktree,
} from '../domain/session';
import type { SessionTable } from '../session/ports';
import { DamagedRowError, oneOf, optionalNumber, optionalText } from './columns';
import type { Param, Statements } from './statements';

const ROLES: readonly SessionRole[] = ['lead', 'worker'];
const PRESENCES: readonly Presence[] = ['alive', 'asleep', 'gone', 'unknown'];

/** The columns in the order that `encode` writes and `decode` reads. */
const COLUMNS = [
  'id',
  'task',
  'agent_type',
  'working_dir',
  'state',
  'role',
  'presence',
  'pid',
  'worktree_path',
  'worktree_branch',
  'base_branch',
  'base_commit',
  'repository',
  'conversation_id',
  'requests',
  'reason',
  'applied_seq',
  'tokens_used',
  'tool_calls',
  'files_changed',
  'duration_secs',
  'cost_usd',
  'turn_started_at',
  'created_at',
  'updated_at',
] as const;

type Row = Record<(typeof COLUMNS)[number], SqlValue>;

const LIST = COLUMNS.join(', ');
const INSERT = `INSERT INTO sessions (${LIST}) VALUES (${COLUMNS.map(() => '?').join(', ')})`;
const UPDATE = `UPDATE sessions SET ${COLUMNS.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`;

/** The `sessions` table. */
export class SessionRows implements SessionTable {
  constructor(
    private readonly sql: Statements,
    private readonly touch: (sessionId: string) => void,
  ) {}

  insert(session: Session): void {
    this.touch(session.id);
    this.sql.run(INSERT, encode(session));
  }

  update(session: Session): void {
    this.touch(session.id);
    this.sql.run(UPDATE, [...encode(session), session.id]);
  }

  get(id: string): Session | undefined {
    const row = this.sql.first(`SELECT ${LIST} FROM sessions WHERE id = ?`, [id]);
    return row && decode(row);
  }

  list(): readonly Session[] {
    return this.sql
      .all(`SELECT ${LIST} FROM sessions ORDER BY created_at DESC, id`)
      .map((row) => decode(row));
  }

  idsWithPrefix(prefix: string, limit: number): readonly string[] {
    return this.sql
      .all('SELECT id FROM sessions WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2', [
        prefix,
        limit,
      ])
      .map(([id]) => String(id));
  }

  latest(): Session | undefined {
    const row = this.sql.first(`SELECT ${LIST} FROM sessions ORDER BY updated_at DESC LIMIT 1`);
    return row && decode(row);
  }
}

function encode(session: Session): Param[] {
  const { metrics, worktree } = session;
  const row: Row = {
    id: session.id,
    task: session.task,
    agent_type: session.agentType,
    working_dir: session.workingDir,
    state: session.state,
    role: session.role,
    presence: session.presence,
    pid: session.pid ?? null,
    worktree_path: worktree?.path ?? null,
    worktree_branch: worktree?.branch ?? null,
    base_branch: worktree?.baseBranch ?? null,
    base_commit: worktree?.baseCommit ?? null,
    repository: session.repository ?? null,
    conversation_id: session.conversationId ?? null,
    requests: JSON.stringify(session.requests),
    reason: session.reason ?? null,
    applied_seq: session.appliedSeq,
    tokens_used: Math.round(metrics.tokensUsed),
    tool_calls: metrics.toolCalls,
    files_changed: metrics.filesChanged,
    duration_secs: metrics.durationSecs,
    cost_usd: metrics.costUsd,
    turn_started_at: session.turnStartedAt ?? null,
    created_at: session.createdAt,
    updated_at: session.updatedAt,
  };
  return COLUMNS.map((name) => row[name]);
}

function decode(values: readonly SqlValue[]): Session {
  const row = Object.fromEntries(COLUMNS.map((name, i) => [name, values[i] ?? null])) as Row;
  const id = String(row.id);
  const what = `Session ${id}`;
  return {
    id,
    task: String(row.task),
    agentType: String(row.agent_type),
    workingDir: String(row.working_dir),
    state: oneOf(SESSION_STATES, row.state, what, 'state'),
    role: oneOf(ROLES, row.role, what, 'role'),
    presence: oneOf(PRESENCES, row.presence, what, 'presence'),
    pid: optionalNumber(row.pid),
    worktree: decodeWorktree(row),
    repository: optionalText(row.repository),
    conversationId: optionalText(row.conversation_id),
    requests: decodeRequests(row),
    reason: optionalText(row.reason),
    appliedSeq: Number(row.applied_seq),
    metrics: {
      tokensUsed: Number(row.tokens_used),
      toolCalls: Number(row.tool_calls),
      filesChanged: Number(row.files_changed),
      durationSecs: Number(row.duration_secs),
      costUsd: Number(row.cost_usd),
    },
    turnStartedAt: optionalNumber(row.turn_started_at),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

function decodeWorktree(row: Row): Worktree | undefined {
  const path = optionalText(row.worktree_path);
  if (path === undefined) return undefined;
  return {
    path,
    branch: optionalText(row.worktree_branch) ?? '',
    baseBranch: optionalText(row.base_branch),
    baseCommit: optionalText(row.base_commit) ?? '',
  };
}

function decodeRequests(row: Row): readonly PermissionRequest[] {
  try {
    return JSON.parse(String(row.requests)) as PermissionRequest[];
  } catch {
    throw new DamagedRowError(`Session ${String(row.id)}`, 'requests', row.requests);
  }
}
