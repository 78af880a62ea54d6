import type { SqlJsStatic } from 'sql.js';
import type { BetterSqlite } from './betterSqlite';
import type { Section } from './report';

/** What every bench works with. */
export interface BenchContext {
  /** An empty folder of its own on the disk of the project; removed after the run. */
  readonly folder: string;
  readonly sql: SqlJsStatic;
  /** Undefined when it cannot be had here. */
  readonly better: BetterSqlite | undefined;
}

/** A bench as it is selected on the command line. */
export interface Bench {
  readonly name: string;
  run(context: BenchContext): Promise<Section>;
}
