import type { SqlValue } from 'sql.js';
import { EXIT_REASONS, type ConversationTotals } from '../domain/events';
import {
  isActive,
  SESSION_STATES,
  type PermissionRequest,
  type Presence,
  type Session,
  type SessionRole,
  type Worktree,
} from '../domain/session';
import type { DelegateRow, SessionTable } from '../session/ports';
import { DamagedRowError, oneOf, optionalNumber, optionalText } from './columns';
import type { Param, Statements } from './statements';

const ROLES: readonly SessionRole[] = ['lead', 'worker'];
const PRESENCES: readonly Presence[] = ['alive', 'asleep', 'gone', 'unknown'];

/** The columns in the order that `encode` writes and `decode` reads; change them together. */
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
  'worktree_removed',
  'repository',
  'conversation_id',
  'can_continue',
  'totals',
  'initial_handoff',
  'requests',
  'reason',
  'ending',
  'applied_seq',
  'tokens_used',
  'tool_calls',
  'files_changed',
  'duration_secs',
  'cost_usd',
  'is_cost_known',
  'turn_started_at',
  'last_event_at',
  'created_at',
  'updated_at',
] as const;

type Row = Record<(typeof COLUMNS)[number], SqlValue>;

const LIST = COLUMNS.join(', ');
const INSERT = `INSERT INTO sessions (${LIST}) VALUES (${COLUMNS.map(() => '?').join(', ')})`;
const UPDATE = `UPDATE sessions SET ${COLUMNS.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`;
const GET = `SELECT ${LIST} FROM sessions WHERE id = ?`;

const DELEGATES = 'SELECT to_session FROM delegations WHERE from_session = ?';
const MEMBER = 'SELECT agent_type, state, presence, updated_at FROM sessions WHERE id = ?';
const LOAD =
  "SELECT count(*) FROM handoffs INDEXED BY handoffs_inbox WHERE to_session = ? AND state = 'queued' AND purpose = 'self'";

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
    const row = this.sql.first(GET, [id]);
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

  pendingIds(): readonly string[] {
    // Of several that a pass makes at once, the one that it made first.
    return this.ids("SELECT id FROM sessions WHERE state = 'pending' ORDER BY created_at, rowid");
  }

  runningIds(): readonly string[] {
    return this.ids("SELECT id FROM sessions WHERE state = 'running'");
  }

  leftoverIds(): readonly string[] {
    return this.ids(
      "SELECT id FROM sessions WHERE state IN ('completed', 'failed', 'stopped') AND presence <> 'gone' ORDER BY id",
    );
  }

  countWorktrees(): number {
    return Number(
      this.sql.first(
        "SELECT count(*) FROM sessions WHERE state IN ('running', 'idle') AND worktree_path IS NOT NULL AND worktree_removed = 0",
      )?.[0],
    );
  }

  activeIds(limit: number): readonly string[] {
    return this.ids(
      "SELECT id FROM sessions WHERE state IN ('pending', 'running', 'idle') ORDER BY updated_at DESC, id LIMIT ?",
      [limit],
    );
  }

  /** Small statements, one after the other: in memory they are faster than one that joins. */
  delegatesOf(leadId: string, agentType: string | undefined): readonly DelegateRow[] {
    return this.ids(DELEGATES, [leadId]).flatMap((id) => {
      const member = id === leadId ? undefined : this.member(id);
      if (!member || !isActive(member.state)) return [];
      if (agentType !== undefined && member.agentType !== agentType) return [];
      return { ...member, load: this.load(id) };
    });
  }

  /** What routing needs to know of one session, but for its load. */
  member(id: string): Omit<DelegateRow, 'load'> | undefined {
    const row = this.sql.first(MEMBER, [id]);
    if (!row) return undefined;
    const [type, state, presence, updatedAt] = row;
    const what = `Session ${id}`;
    return {
      id,
      agentType: String(type),
      state: oneOf(SESSION_STATES, state, what, 'state'),
      presence: oneOf(PRESENCES, presence, what, 'presence'),
      updatedAt: Number(updatedAt),
    };
  }

  /** Queued handoffs that a session is to do itself. */
  load(id: string): number {
    return Number(this.sql.first(LOAD, [id])?.[0]);
  }

  remove(session: Session, label: string, at: number): void {
    this.touch(session.id);
    this.sql.run(
      'INSERT OR REPLACE INTO deleted_sessions (id, label, deleted_at) VALUES (?, ?, ?)',
      [session.id, label, at],
    );
    this.sql.run('DELETE FROM sessions WHERE id = ?', [session.id]);
  }

  deleted(): ReadonlyMap<string, string> {
    return new Map(
      this.sql
        .all('SELECT id, label FROM deleted_sessions')
        .map(([id, label]) => [String(id), String(label)]),
    );
  }

  latest(): Session | undefined {
    const row = this.sql.first(`SELECT ${LIST} FROM sessions ORDER BY updated_at DESC LIMIT 1`);
    return row && decode(row);
  }

  private ids(sql: string, params: readonly Param[] = []): readonly string[] {
    return this.sql.all(sql, params).map(([id]) => String(id));
  }
}

function encode(session: Session): Param[] {
  const { metrics } = session;
  const worktree = session.worktree ?? session.formerWorktree;
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
    worktree_removed: session.formerWorktree && !session.worktree ? 1 : 0,
    repository: session.repository ?? null,
    conversation_id: session.conversationId ?? null,
    can_continue: session.canContinue ? 1 : 0,
    totals: session.totals ? JSON.stringify(session.totals) : null,
    initial_handoff: session.initialHandoffId ?? null,
    requests: JSON.stringify(session.requests),
    reason: session.reason ?? null,
    ending: session.ending ?? null,
    applied_seq: session.appliedSeq,
    tokens_used: Math.round(metrics.tokensUsed),
    tool_calls: metrics.toolCalls,
    files_changed: metrics.filesChanged,
    duration_secs: metrics.durationSecs,
    cost_usd: metrics.costUsd ?? 0,
    is_cost_known: metrics.costUsd === undefined ? 0 : 1,
    turn_started_at: session.turnStartedAt ?? null,
    last_event_at: session.lastEventAt ?? null,
    created_at: session.createdAt,
    updated_at: session.updatedAt,
  };
  return COLUMNS.map((name) => row[name]);
}

function decode(values: readonly SqlValue[]): Session {
  // One by one: an object of all columns in between takes longer than the rest.
  const [
    id,
    task,
    agentType,
    workingDir,
    state,
    role,
    presence,
    pid,
    worktreePath,
    worktreeBranch,
    baseBranch,
    baseCommit,
    worktreeRemoved,
    repository,
    conversationId,
    canContinue,
    totals,
    initialHandoff,
    requests,
    reason,
    ending,
    appliedSeq,
    tokensUsed,
    toolCalls,
    filesChanged,
    durationSecs,
    costUsd,
    isCostKnown,
    turnStartedAt,
    lastEventAt,
    createdAt,
    updatedAt,
  ] = values;
  const what = `Session ${String(id)}`;
  const worktree = decodeWorktree(worktreePath, worktreeBranch, baseBranch, baseCommit);
  return {
    id: String(id),
    task: String(task),
    agentType: String(agentType),
    workingDir: String(workingDir),
    state: oneOf(SESSION_STATES, state, what, 'state'),
    role: oneOf(ROLES, role, what, 'role'),
    presence: oneOf(PRESENCES, presence, what, 'presence'),
    pid: optionalNumber(pid),
    worktree: worktreeRemoved === 1 ? undefined : worktree,
    formerWorktree: worktreeRemoved === 1 ? worktree : undefined,
    repository: optionalText(repository),
    conversationId: optionalText(conversationId),
    canContinue: canContinue === 1,
    totals: decodeTotals(totals, what),
    initialHandoffId: optionalNumber(initialHandoff),
    requests: decodeRequests(requests, what),
    reason: optionalText(reason),
    ending: typeof ending === 'string' ? oneOf(EXIT_REASONS, ending, what, 'ending') : undefined,
    appliedSeq: Number(appliedSeq),
    metrics: {
      tokensUsed: Number(tokensUsed),
      toolCalls: Number(toolCalls),
      filesChanged: Number(filesChanged),
      durationSecs: Number(durationSecs),
      costUsd: isCostKnown === 1 ? Number(costUsd) : undefined,
    },
    turnStartedAt: optionalNumber(turnStartedAt),
    lastEventAt: optionalNumber(lastEventAt),
    createdAt: Number(createdAt),
    updatedAt: Number(updatedAt),
  };
}

function decodeWorktree(
  path: SqlValue | undefined,
  branch: SqlValue | undefined,
  baseBranch: SqlValue | undefined,
  baseCommit: SqlValue | undefined,
): Worktree | undefined {
  if (typeof path !== 'string') return undefined;
  return {
    path,
    branch: optionalText(branch) ?? '',
    baseBranch: optionalText(baseBranch),
    baseCommit: optionalText(baseCommit) ?? '',
  };
}

function decodeRequests(value: SqlValue | undefined, what: string): readonly PermissionRequest[] {
  // Nearly all sessions ask for nothing.
  if (value === '[]') return [];
  try {
    return JSON.parse(String(value)) as PermissionRequest[];
  } catch {
    throw new DamagedRowError(what, 'requests', value);
  }
}

function decodeTotals(value: SqlValue | undefined, what: string): ConversationTotals | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    // JSON leaves out what is undefined.
    return { ...{ tokens: undefined, costUsd: undefined }, ...(JSON.parse(value) as object) };
  } catch {
    throw new DamagedRowError(what, 'totals', value);
  }
}
