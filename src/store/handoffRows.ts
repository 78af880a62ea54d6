import type { SqlValue } from 'sql.js';
import { HANDOFF_STATES, type Handoff, type HandoffPurpose } from '../domain/handoff';
import type { HandoffLink } from '../domain/lineage';
import { PERSON, PRIORITIES } from '../domain/message';
import type { BacklogRow, HandoffTable } from '../session/ports';
import { oneOf, optionalNumber, optionalText } from './columns';
import type { Statements } from './statements';

const PURPOSES: readonly HandoffPurpose[] = ['self', 'team'];

const COLUMNS =
  'message_id, from_session, to_session, purpose, priority, state, origin_id, attempts, reason, deadline, after, result_message_id';

const UPDATE =
  'UPDATE handoffs SET state = ?, origin_id = ?, attempts = ?, reason = ?, deadline = ?, after = ?, result_message_id = ? WHERE message_id = ?';

const QUEUED = `SELECT ${COLUMNS} FROM handoffs INDEXED BY handoffs_inbox WHERE to_session = ? AND purpose = ? AND state = 'queued' ORDER BY priority DESC, message_id LIMIT ?`;

/** Who has sent something to a session for which more than one handoff waits. */
const CROWDING = `
  SELECT DISTINCT from_session FROM handoffs
  WHERE state = 'queued' AND purpose = 'self' AND to_session IN (
    SELECT to_session FROM handoffs WHERE state = 'queued' AND purpose = 'self'
    GROUP BY to_session HAVING count(*) > 1
  )`;

// Made once: a text that is put together for each call is hashed for each call, too. A few rows are
// sorted here, and an index is named: a sorter, or a look at the partial indexes, costs ten times the query.
const INSERT = `INSERT INTO handoffs (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const GET = `SELECT ${COLUMNS} FROM handoffs WHERE message_id = ?`;
const PARENT = `SELECT from_session FROM handoffs WHERE to_session = ? AND from_session NOT IN (to_session, '${PERSON}') ORDER BY message_id DESC LIMIT 1`;
const OPEN_TO = `SELECT ${COLUMNS} FROM handoffs INDEXED BY handoffs_inbox WHERE to_session = ? AND state <> 'done' AND state <> 'failed' AND state <> 'withdrawn'`;
const LATEST_SELF =
  "SELECT max(message_id) FROM handoffs INDEXED BY handoffs_to WHERE to_session = ? AND purpose = 'self'";
const MADE_FOR = `SELECT ${COLUMNS} FROM handoffs INDEXED BY handoffs_origin WHERE origin_id = ?`;
const PAST_DEADLINE = `SELECT ${COLUMNS} FROM handoffs WHERE state = 'queued' AND deadline IS NOT NULL AND deadline <= ? ORDER BY deadline`;
const RETRYABLE = `SELECT ${COLUMNS} FROM handoffs WHERE state = 'queued' AND after IS NOT NULL AND after <= ? AND purpose = 'team' AND attempts > 0 ORDER BY after`;
const ALL_STRANDED = `SELECT ${COLUMNS} FROM handoffs WHERE state = 'stranded' ORDER BY message_id`;

/** The `handoffs` table. */
export class HandoffRows implements HandoffTable {
  constructor(
    private readonly sql: Statements,
    private readonly touch: (sessionId: string) => void,
  ) {}

  insert(handoff: Handoff): void {
    this.touch(handoff.from);
    this.touch(handoff.to);
    this.sql.run(INSERT, [
      handoff.id,
      handoff.from,
      handoff.to,
      handoff.purpose,
      PRIORITIES.indexOf(handoff.priority),
      handoff.state,
      handoff.originId ?? null,
      handoff.attempts,
      handoff.reason ?? null,
      handoff.deadline ?? null,
      handoff.after ?? null,
      handoff.resultMessageId ?? null,
    ]);
    this.sql.run('INSERT OR IGNORE INTO delegations (from_session, to_session) VALUES (?, ?)', [
      handoff.from,
      handoff.to,
    ]);
  }

  update(handoff: Handoff): void {
    this.touch(handoff.from);
    this.touch(handoff.to);
    this.sql.run(UPDATE, [
      handoff.state,
      handoff.originId ?? null,
      handoff.attempts,
      handoff.reason ?? null,
      handoff.deadline ?? null,
      handoff.after ?? null,
      handoff.resultMessageId ?? null,
      handoff.id,
    ]);
  }

  get(id: number): Handoff | undefined {
    const row = this.sql.first(GET, [id]);
    return row && decode(row);
  }

  links(): readonly HandoffLink[] {
    return this.sql
      .all('SELECT message_id, from_session, to_session FROM handoffs ORDER BY message_id')
      .map(([id, from, to]) => ({ id: Number(id), from: String(from), to: String(to) }));
  }

  parentOf(id: string): string | undefined {
    const row = this.sql.first(PARENT, [id]);
    return row ? String(row[0]) : undefined;
  }

  childrenOf(id: string, limit: number): readonly string[] {
    return this.sql
      .all(
        'SELECT to_session FROM handoffs WHERE from_session = ? AND to_session <> from_session GROUP BY to_session ORDER BY max(message_id) DESC LIMIT ?',
        [id, limit],
      )
      .map(([to]) => String(to));
  }

  queuedCounts(purpose: HandoffPurpose): ReadonlyMap<string, number> {
    return new Map(
      this.sql
        .all(
          "SELECT to_session, count(*) FROM handoffs WHERE state = 'queued' AND purpose = ? GROUP BY to_session",
          [purpose],
        )
        .map(([id, count]) => [String(id), Number(count)]),
    );
  }

  queued(to: string, purpose: HandoffPurpose, limit = -1): readonly Handoff[] {
    return this.sql.all(QUEUED, [to, purpose, limit]).map(decode);
  }

  queuedFrom(from: string, to: string): readonly Handoff[] {
    return this.queued(to, 'self').filter((handoff) => handoff.from === from);
  }

  crowdingSenders(): ReadonlySet<string> {
    return new Set(this.sql.all(CROWDING).map(([id]) => String(id)));
  }

  backlog(limit: number): readonly BacklogRow[] {
    return this.sql
      .all(
        "SELECT to_session, count(*) FROM handoffs WHERE state = 'queued' AND purpose = 'team' GROUP BY to_session ORDER BY count(*) DESC, max(message_id) LIMIT ?",
        [limit],
      )
      .map(([id, count]) => ({ sessionId: String(id), count: Number(count) }));
  }

  openTo(sessionId: string): readonly Handoff[] {
    const open = this.sql.all(OPEN_TO, [sessionId]).map(decode);
    return open.sort((a, b) => a.id - b.id);
  }

  latestSelf(to: string): Handoff | undefined {
    const id = optionalNumber(this.sql.first(LATEST_SELF, [to])?.[0]);
    return id === undefined ? undefined : this.get(id);
  }

  madeFor(originId: number): readonly Handoff[] {
    const made = this.sql.all(MADE_FOR, [originId]).map(decode);
    return made.sort((a, b) => b.id - a.id);
  }

  pastDeadline(now: number): readonly Handoff[] {
    return this.sql.all(PAST_DEADLINE, [now]).map(decode);
  }

  retryable(now: number): readonly Handoff[] {
    return this.sql.all(RETRYABLE, [now]).map(decode);
  }

  nextPutOff(now: number): number | undefined {
    return optionalNumber(
      this.sql.first(
        "SELECT min(after) FROM handoffs WHERE state = 'queued' AND after IS NOT NULL AND after > ?",
        [now],
      )?.[0],
    );
  }

  stranded(): readonly Handoff[] {
    return this.sql.all(ALL_STRANDED).map(decode);
  }
}

function decode(row: readonly SqlValue[]): Handoff {
  const [
    id,
    from,
    to,
    purpose,
    priority,
    state,
    origin,
    attempts,
    reason,
    deadline,
    after,
    result,
  ] = row;
  const what = `Handoff ${String(id)}`;
  return {
    id: Number(id),
    from: String(from),
    to: String(to),
    purpose: oneOf(PURPOSES, purpose, what, 'purpose'),
    priority: PRIORITIES[Number(priority)] ?? 'normal',
    state: oneOf(HANDOFF_STATES, state, what, 'state'),
    originId: optionalNumber(origin),
    attempts: Number(attempts),
    reason: optionalText(reason),
    deadline: optionalNumber(deadline),
    after: optionalNumber(after),
    resultMessageId: optionalNumber(result),
  };
}
