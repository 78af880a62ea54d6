import type { Database, SqlJsStatic, SqlValue, Statement } from 'sql.js';
import { prepareDatabase, Statements, type Param } from '../src/store/statements';
import { Tables } from '../src/store/tables';
import type { BetterDatabase, BetterParams, BetterSqlite, BetterStatement } from './betterSqlite';

/** The tables of the store over some engine, without journal. */
export interface Engine {
  readonly tables: Tables;
  readonly statements: Statements;
  /** Runs `change` between BEGIN and COMMIT. */
  mutate(change: () => void): void;
  close(): void;
}

/** sql.js alone: what the durable store would cost if nothing had to last. */
export function openMemory(sql: SqlJsStatic, image: Uint8Array): Engine {
  const db = new sql.Database(new Uint8Array(image));
  prepareDatabase(db);
  const statements = new BareStatements(db);
  return {
    ...engineOf(statements),
    close: () => {
      statements.dispose();
      db.close();
    },
  };
}

/**
 * better-sqlite3 on a file.
 * @param synchronous FULL syncs the log with every transaction, NORMAL only now and then
 */
export function openBetter(
  better: BetterSqlite,
  sql: SqlJsStatic,
  file: string,
  synchronous: 'NORMAL' | 'FULL',
): Engine {
  const db = new better(file);
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${synchronous}`);
  db.pragma('foreign_keys = ON');
  // The rows are written for `Statements`; its own database is not used.
  const unused = new sql.Database();
  return {
    ...engineOf(new BetterStatements(unused, db)),
    close: () => {
      db.close();
      unused.close();
    },
  };
}

function engineOf(statements: Statements): Omit<Engine, 'close'> {
  const tables = new Tables(statements, () => undefined);
  const mutate = (change: () => void): void => {
    statements.run('BEGIN');
    change();
    statements.run('COMMIT');
  };
  return { tables, statements, mutate };
}

/** Keeps nothing of what is written, and does not ask how many rows have changed. */
class BareStatements extends Statements {
  private readonly writing = new Map<string, Statement>();

  constructor(private readonly bare: Database) {
    super(bare);
  }

  override run(sql: string, params: readonly Param[] = []): void {
    let statement = this.writing.get(sql);
    if (!statement) this.writing.set(sql, (statement = this.bare.prepare(sql)));
    statement.run(params as Param[]);
    statement.reset();
  }
}

/** Runs everything in better-sqlite3. */
class BetterStatements extends Statements {
  private readonly known = new Map<string, BetterStatement>();

  constructor(
    unused: Database,
    private readonly better: BetterDatabase,
  ) {
    super(unused);
  }

  override run(sql: string, params: readonly Param[] = []): void {
    this.find(sql).run(...betterParams(sql, params));
  }

  override all(sql: string, params: readonly Param[] = []): SqlValue[][] {
    return this.find(sql).all(...betterParams(sql, params));
  }

  override first(sql: string, params: readonly Param[] = []): SqlValue[] | undefined {
    return this.find(sql).get(...betterParams(sql, params));
  }

  private find(sql: string): BetterStatement {
    let statement = this.known.get(sql);
    if (!statement) {
      statement = this.better.prepare(sql);
      if (statement.reader) statement.raw();
      this.known.set(sql, statement);
    }
    return statement;
  }
}

function betterParams(sql: string, params: readonly Param[]): BetterParams {
  if (!/\?\d/.test(sql)) return params;
  return [Object.fromEntries(params.map((value, index) => [index + 1, value]))];
}
