import type { ActivityEntry, ActivityTable } from '../session/ports';
import type { Statements } from './statements';

/** The `activity` table. */
export class ActivityRows implements ActivityTable {
  constructor(private readonly sql: Statements) {}

  insert(entry: ActivityEntry): void {
    this.sql.run('INSERT INTO activity (at, kind, detail) VALUES (?, ?, ?)', [
      entry.at,
      entry.kind,
      entry.detail,
    ]);
  }

  latest(limit: number): readonly ActivityEntry[] {
    return this.sql
      .all('SELECT at, kind, detail FROM activity ORDER BY id DESC LIMIT ?', [limit])
      .map(([at, kind, detail]) => ({
        at: Number(at),
        kind: String(kind),
        detail: String(detail),
      }));
  }

  keepNewest(count: number): void {
    const oldest = this.sql.first('SELECT id FROM activity ORDER BY id DESC LIMIT 1 OFFSET ?', [
      count,
    ])?.[0];
    if (oldest !== undefined) this.sql.run('DELETE FROM activity WHERE id <= ?', [oldest]);
  }
}
