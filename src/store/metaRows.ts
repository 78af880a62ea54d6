import type { MetaTable } from '../session/ports';
import { optionalText } from './columns';
import type { Statements } from './statements';

/** The `meta` table: single facts about the state as a whole. */
export class MetaRows implements MetaTable {
  constructor(private readonly sql: Statements) {}

  set(key: string, value: string): void {
    this.sql.run('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', [key, value]);
  }

  get(key: string): string | undefined {
    return optionalText(this.sql.first('SELECT value FROM meta WHERE key = ?', [key])?.[0]);
  }
}
