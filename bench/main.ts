// Measures Deputy: npm run bench [-- name…]
// Prints a table for each bench; a run of all of them writes bench/results.md. The exit code is 1 when a
// ratio is on the wrong side of its bar.
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import initSqlJs from 'sql.js';
import { STORE_PROGRAMS } from '../test/support/stores';
import type { Bench, BenchContext } from './bench';
import { loadBetterSqlite } from './betterSqlite';
import { coordinateBench } from './coordinate';
import { handoffBench } from './handoff';
import { floodBench } from './flood';
import { describeMachine } from './machine';
import { openBench } from './open';
import { pauseBench } from './pauses';
import { packageBench } from './packaged';
import { queryBench } from './queries';
import { runnerMemoryBench } from './runnerMemory';
import { missedBars, reportText, sectionText, type Section } from './report';
import { startBench } from './start';
import { storeBench } from './store';

const BENCHES: readonly Bench[] = [
  storeBench,
  pauseBench,
  handoffBench,
  coordinateBench,
  openBench,
  queryBench,
  startBench,
  floodBench,
  runnerMemoryBench,
  packageBench,
];

/** Ignored by git; holds what is installed on demand and the databases of a run. */
const FOLDER = path.resolve('.bench');
const RESULTS = path.resolve('bench/results.md');

async function main(names: readonly string[]): Promise<void> {
  const benches = select(names);
  const loadBefore = os.loadavg();
  const better = await loadBetterSqlite(FOLDER, (text) => console.log(text));
  const sql = await initSqlJs({ locateFile: () => STORE_PROGRAMS.wasmFile });
  const sections: Section[] = [];
  for (const bench of benches) {
    console.log(`\n${bench.name} …`);
    const section = await runIn(bench, { sql, better });
    console.log(`\n${sectionText(section)}`);
    sections.push(section);
  }
  const missed = missedBars(sections);
  for (const { what } of missed) console.log(`misses its bar: ${what}`);
  if (missed.length > 0) process.exitCode = 1;
  if (names.length > 0) return;
  await fs.writeFile(RESULTS, reportText(await describeMachine(loadBefore), sections));
  console.log(`written: ${path.relative('.', RESULTS)}`);
}

async function runIn(bench: Bench, parts: Omit<BenchContext, 'folder'>): Promise<Section> {
  await fs.mkdir(FOLDER, { recursive: true });
  const folder = await fs.mkdtemp(path.join(FOLDER, `${bench.name}-`));
  try {
    return await bench.run({ ...parts, folder });
  } finally {
    await fs.rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function select(names: readonly string[]): readonly Bench[] {
  const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const known = BENCHES.map((bench) => bench.name).join(', ');
    throw new Error(`There is no bench ${unknown.join(', ')}. Benches: ${known}.`);
  }
  return BENCHES.filter((bench) => names.length === 0 || names.includes(bench.name));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
