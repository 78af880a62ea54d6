import type { HandoffLink } from '../domain/lineage';
import type { HandoffTable } from '../session/ports';
import type { Statements } from './statements';

/** The `handoffs` table. */
export class HandoffRows implements HandoffTable {
  constructor(
    private readonly sql: Statements,
    private readonly touch: (sessionId: string) => void,
  ) {}

  insert(handoff: HandoffLink): void {
    this.touch(handoff.from);
    this.touch(handoff.to);
    this.sql.run('INSERT INTO handoffs (message_id, from_session, to_session) VALUES (?, ?, ?)', [
      handoff.id,
      handoff.from,
      handoff.to,
    ]);
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
}
