import type { SqlValue } from 'sql.js';
import { HANDOFF_STATES, type Handoff, type HandoffPurpose } from '../domain/handoff';
import type { HandoffLink } from '../domain/lineage';
import type { HandoffTable } from '../session/ports';
import { oneOf, optionalNumber, optionalText } from './columns';
import type { Statements } from './statements';

const PURPOSES: readonly HandoffPurpose[] = ['self', 'team'];

const COLUMNS =
  'message_id, from_session, to_session, purpose, state, origin_id, attempts, reason, deadline, after, result_message_id';

/** The `handoffs` table. */
export class HandoffRows implements HandoffTable {
  constructor(
    private readonly sql: Statements,
    private readonly touch: (sessionId: string) => void,
  ) {}

  insert(handoff: Handoff): void {
    this.touch(handoff.from);
    this.touch(handoff.to);
    this.sql.run(`INSERT INTO handoffs (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
      handoff.id,
      handoff.from,
      handoff.to,
      handoff.purpose,
      handoff.state,
      handoff.originId ?? null,
      handoff.attempts,
      handoff.reason ?? null,
      handoff.deadline ?? null,
      handoff.after ?? null,
      handoff.resultMessageId ?? null,
    ]);
  }

  get(id: number): Handoff | undefined {
    const row = this.sql.first(`SELECT ${COLUMNS} FROM handoffs WHERE message_id = ?`, [id]);
    return row && decode(row);
  }

  links(): readonly HandoffLink[] {
    return this.sql
      .all('SELECT message_id, from_session, to_session FROM handoffs ORDER BY message_id')
      .map(([id, from, to]) => ({ id: Number(id), from: String(from), to: String(to) }));
  }

  parentOf(id: string): string | undefined {
    const row = this.sql.first(
      'SELECT from_session FROM handoffs WHERE to_session = ? ORDER BY message_id DESC LIMIT 1',
      [id],
    );
    return row ? String(row[0]) : undefined;
  }

  childrenOf(id: string, limit: number): readonly string[] {
    return this.sql
      .all(
        'SELECT to_session FROM handoffs WHERE from_session = ? GROUP BY to_session ORDER BY max(message_id) DESC LIMIT ?',
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
}

function decode(row: readonly SqlValue[]): Handoff {
  const [id, from, to, purpose, state, origin, attempts, reason, deadline, after, result] = row;
  const what = `Handoff ${String(id)}`;
  return {
    id: Number(id),
    from: String(from),
    to: String(to),
    purpose: oneOf(PURPOSES, purpose, what, 'purpose'),
    state: oneOf(HANDOFF_STATES, state, what, 'state'),
    originId: optionalNumber(origin),
    attempts: Number(attempts),
    reason: optionalText(reason),
    deadline: optionalNumber(deadline),
    after: optionalNumber(after),
    resultMessageId: optionalNumber(result),
  };
}
