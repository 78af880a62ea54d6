import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { SqlJsStatic } from 'sql.js';
import type { Param } from '../src/store/statements';
import { Tables } from '../src/store/tables';
import { AskedStatements } from '../test/support/askedStatements';
import { ROUTING_QUERIES } from '../test/support/routingQueries';
import type { Bench, BenchContext } from './bench';
import { openBetter, openMemory, type Engine } from './engines';
import { buildImage, sessionId, type Filling } from './fixtures';
import { interleave, median } from './measure';
import type { Row, Section } from './report';

const FILLING: Filling = { sessions: 10_000, messages: 100_000, chars: 300 };
const FAST = { rounds: 500, warmUp: 50 };
/** For what reads many rows. */
const SLOW = { rounds: 30, warmUp: 3 };
/** A query that takes longer than this is a slow one. */
const SLOW_US = 2_000;
const QUERY_BAR = 4;
/** Rows on a page of the session list. */
const PAGE = 100;

/** A statement as a table sends it. */
interface Asked {
  readonly name: string;
  readonly sql: string;
  readonly params: readonly Param[];
}

/** The queries of routing and of the tree on many sessions. */
export const queryBench: Bench = { name: 'queries', run };

async function run({ sql, better, folder }: BenchContext): Promise<Section> {
  const image = buildImage(sql, FILLING);
  const file = path.join(folder, 'queries.sqlite');
  await fs.writeFile(file, image);
  const memory = openMemory(sql, image);
  const other = better && openBetter(better, sql, file, 'NORMAL');
  try {
    return {
      title: 'Queries',
      notes: [
        `p50 with ${FILLING.sessions} sessions and ${FILLING.messages} messages, a fifth of them handoffs: the statement as the table sends it, all of its rows fetched, in sql.js as the store uses it and in better-sqlite3. "As objects" is what the table hands out. A page is the statement of the list with a limit of ${PAGE}; the store has no method for it as long as nobody asks for pages.`,
        'That the plans use the indexes is checked by test/integration/queryPlans.test.ts.',
      ],
      rows: [
        ...askedQueries(sql, image).map((query) => compareRows(query, memory, other)),
        compare('session list, all, as objects', memory, other, ({ tables }) =>
          tables.sessions.list(),
        ),
      ],
    };
  } finally {
    memory.close();
    other?.close();
  }
}

/** Has the tables make each query once, and keeps what they send. */
function askedQueries(sql: SqlJsStatic, image: Uint8Array): Asked[] {
  const db = new sql.Database(new Uint8Array(image));
  const statements = new AskedStatements(db);
  const tables = new Tables(statements, () => undefined);
  // A lead, and the last of its delegates.
  const [lead, delegate] = [sessionId(5_000), sessionId(5_009)];
  const queries = ROUTING_QUERIES.flatMap(({ name, run: make }) => {
    make(tables, /^(children|delegates) of/.test(name) ? lead : delegate);
    // Some ask the same of each row that another statement has found.
    const asked = new Map(statements.takeAsked().map((it) => [it.sql, it]));
    return [...asked.values()].map((it, i) => ({
      name: i === 0 ? name : `${name} (${i + 1})`,
      ...it,
    }));
  });
  tables.sessions.list();
  const lists = statements.takeAsked().flatMap(({ sql: list, params }) => [
    { name: 'session list, a page', sql: `${list} LIMIT ${PAGE}`, params },
    { name: 'session list, all', sql: list, params },
  ]);
  statements.dispose();
  db.close();
  return [...lists, ...queries];
}

function compareRows(query: Asked, memory: Engine, other: Engine | undefined): Row {
  return compare(query.name, memory, other, ({ statements }) =>
    statements.all(query.sql, query.params),
  );
}

function compare(
  what: string,
  memory: Engine,
  other: Engine | undefined,
  ask: (engine: Engine) => unknown,
): Row {
  if (other) assert.deepEqual(ask(memory), ask(other), what);
  const startedMs = performance.now();
  ask(memory);
  const isSlow = (performance.now() - startedMs) * 1_000 > SLOW_US;
  const samples = interleave(
    { memory: () => ask(memory), other: () => other && ask(other) },
    isSlow ? SLOW : FAST,
  );
  return {
    what,
    measured: median(samples.memory),
    beside: { what: 'better-sqlite3', value: other && median(samples.other) },
    bar: QUERY_BAR,
  };
}
