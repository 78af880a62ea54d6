import assert from 'node:assert/strict';
import initSqlJs, { type Database } from 'sql.js';
import { migrate } from '../../src/store/migrations';
import { prepareDatabase } from '../../src/store/statements';
import { Tables } from '../../src/store/tables';
import { AskedStatements } from '../support/askedStatements';
import { ROUTING_QUERIES } from '../support/routingQueries';
import { STORE_PROGRAMS } from '../support/stores';

describe('The plans of the queries that are made often', () => {
  let db: Database;
  let statements: AskedStatements;
  let tables: Tables;

  // Without ANALYZE, which nobody runs, a plan depends on the schema alone.
  beforeEach(async () => {
    const sql = await initSqlJs({ locateFile: () => STORE_PROGRAMS.wasmFile });
    db = new sql.Database();
    prepareDatabase(db);
    statements = new AskedStatements(db);
    migrate(statements, 0);
    tables = new Tables(statements, () => undefined);
  });
  afterEach(() => {
    statements.dispose();
    db.close();
  });

  for (const { name, run, plan } of ROUTING_QUERIES) {
    it(`use the index meant for them: ${name}`, () => {
      run(tables, 'aaaa1111');
      const steps = statements
        .takeAsked()
        .flatMap(({ sql, params }) => statements.all(`EXPLAIN QUERY PLAN ${sql}`, params))
        .map((row) => String(row[3]));
      assert.equal(steps.length, plan.length, steps.join('\n'));
      plan.forEach((pattern, index) => assert.match(steps[index] ?? '', pattern));
    });
  }
});
