import type { Database, SqlValue, Statement } from 'sql.js';

/** A value that can be bound; `undefined` is refused by sql.js and must be written as null. */
export type Param = SqlValue;

/** Prepares each SQL text once and runs it with positional parameters. */
export class Statements {
  private readonly prepared = new Map<string, Statement>();

  constructor(private readonly db: Database) {}

  /** Runs a statement that returns nothing. */
  run(sql: string, params: readonly Param[] = []): void {
    this.prepare(sql).run([...params]);
  }

  /** All rows of a query, each as the list of its columns. */
  all(sql: string, params: readonly Param[] = []): SqlValue[][] {
    const statement = this.prepare(sql);
    const rows: SqlValue[][] = [];
    try {
      statement.bind([...params]);
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
      statement.bind([...params]);
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
