import type { Database, SqlValue, Statement } from 'sql.js';
import type { Op, Transaction } from './journalFormat';

/** A value that can be bound. */
export type Param = SqlValue;

const CHANGES_ROWS = /^\s*(insert|update|delete|replace)\b/i;

/**
 * Sets a database up for the store: it lives in memory and nobody else has it, so its own precautions
 * against crashes and against other connections only cost time (the locks alone two thirds of a small
 * query's). Functions whose result a replay could not repeat are refused.
 */
export function prepareDatabase(db: Database): void {
  db.exec(
    'PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA locking_mode = EXCLUSIVE',
  );
  for (const name of ['random', 'current_timestamp', 'current_date', 'current_time']) {
    db.create_function(name, () => {
      throw new Error(`${name}() gives another result at each replay; pass the value instead.`);
    });
  }
}

/**
 * Prepares each SQL text once and runs it with positional parameters. Between {@link record} and
 * {@link take} it also keeps what was written.
 */
export class Statements {
  private readonly prepared = new Map<string, Statement>();
  private ops: Op[] = [];
  private changed: number[] = [];

  constructor(private readonly db: Database) {}

  /** Runs a statement that writes, and keeps it for the journal. */
  run(sql: string, params: readonly Param[] = []): void {
    const changed = this.execute(sql, params);
    this.ops.push([sql, params]);
    this.changed.push(changed);
  }

  /**
   * Runs a statement that writes, without keeping it.
   * @returns number of rows that it changed; -1 for a statement that changes none by its nature
   */
  execute(sql: string, params: readonly Param[]): number {
    const statement = this.prepare(sql);
    try {
      statement.run(params as Param[]);
    } finally {
      statement.reset();
    }
    return CHANGES_ROWS.test(sql) ? this.db.getRowsModified() : -1;
  }

  /** Forgets what was kept. */
  record(): void {
    this.ops = [];
    this.changed = [];
  }

  /** What was written since {@link record}; undefined when nothing was. */
  take(): Transaction | undefined {
    const { ops, changed } = this;
    this.record();
    return ops.length === 0 ? undefined : { ops, changed };
  }

  /** All rows of a query, each as the list of its columns. */
  all(sql: string, params: readonly Param[] = []): SqlValue[][] {
    const statement = this.prepare(sql);
    const rows: SqlValue[][] = [];
    try {
      statement.bind(params as Param[]);
      while (statement.step()) rows.push(statement.get());
    } finally {
      statement.reset();
    }
    return rows;
  }

  /** The first row of a query. */
  first(sql: string, params: readonly Param[] = []): SqlValue[] | undefined {
    const statement = this.prepare(sql);
    try {
      statement.bind(params as Param[]);
      return statement.step() ? statement.get() : undefined;
    } finally {
      statement.reset();
    }
  }

  /** Lets go of everything that was prepared. */
  dispose(): void {
    for (const statement of this.prepared.values()) statement.free();
    this.prepared.clear();
  }

  private prepare(sql: string): Statement {
    let statement = this.prepared.get(sql);
    if (!statement) {
      statement = this.db.prepare(sql);
      this.prepared.set(sql, statement);
    }
    return statement;
  }
}
