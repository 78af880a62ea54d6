import type { SqlValue } from 'sql.js';
import { Statements, type Param } from '../../src/store/statements';

/** Statements that remember which queries they were asked. */
export class AskedStatements extends Statements {
  private asked: { readonly sql: string; readonly params: readonly Param[] }[] = [];

  override all(sql: string, params: readonly Param[] = []): SqlValue[][] {
    this.asked.push({ sql, params });
    return super.all(sql, params);
  }

  override first(sql: string, params: readonly Param[] = []): SqlValue[] | undefined {
    this.asked.push({ sql, params });
    return super.first(sql, params);
  }

  /** The queries since the last call. */
  takeAsked(): { readonly sql: string; readonly params: readonly Param[] }[] {
    const { asked } = this;
    this.asked = [];
    return asked;
  }
}
