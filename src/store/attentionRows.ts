import type { SqlValue } from 'sql.js';
import type { AttentionItem, AttentionTable, NewAttentionItem } from '../session/ports';
import { optionalNumber } from './columns';
import type { Statements } from './statements';

/** The `attention` table. */
export class AttentionRows implements AttentionTable {
  constructor(
    private readonly sql: Statements,
    private readonly touch: (sessionId: string) => void,
  ) {}

  insert(item: NewAttentionItem): number {
    this.touch(item.sessionId);
    this.sql.run('INSERT INTO attention (session_id, kind, text, created_at) VALUES (?, ?, ?, ?)', [
      item.sessionId,
      item.kind,
      item.text,
      item.createdAt,
    ]);
    return Number(this.sql.first('SELECT last_insert_rowid()')?.[0]);
  }

  settle(id: number, at: number): void {
    const row = this.sql.first('SELECT session_id FROM attention WHERE id = ?', [id]);
    if (!row) return;
    this.touch(String(row[0]));
    this.sql.run('UPDATE attention SET settled_at = ? WHERE id = ?', [at, id]);
  }

  open(): readonly AttentionItem[] {
    return this.sql
      .all(
        'SELECT id, session_id, kind, text, created_at, settled_at FROM attention WHERE settled_at IS NULL ORDER BY created_at, id',
      )
      .map(decode);
  }

  removeAll(sessionId: string): void {
    this.touch(sessionId);
    this.sql.run('DELETE FROM attention WHERE session_id = ?', [sessionId]);
  }
}

function decode(row: readonly SqlValue[]): AttentionItem {
  const [id, session, kind, text, created, settled] = row;
  return {
    id: Number(id),
    sessionId: String(session),
    kind: String(kind),
    text: String(text),
    createdAt: Number(created),
    settledAt: optionalNumber(settled),
  };
}
