// Runs the built tests of a folder: node out/test/tools/runMocha.js <unit|integration|property|fault|ui>
import * as path from 'node:path';
import { repoRoot } from '../host/paths';
import { runMocha } from './mochaRun';

const TIMEOUTS_MS: Readonly<Record<string, number>> = {
  unit: 5_000,
  integration: 30_000,
  // Its tests set what they need.
  property: 60_000,
  // Its tests set what they need in the long run.
  fault: 60_000,
  ui: 120_000,
};

const suite = process.argv[2] ?? '';
const timeoutMs = TIMEOUTS_MS[suite];
if (timeoutMs === undefined)
  throw new Error('usage: runMocha.js <unit|integration|property|fault|ui>');

/** A suite that has closed what it opened ends within this time after its last test. */
const END_MS = 10_000;

void runMocha({ suite, folder: path.join(repoRoot(), 'out/test', suite), timeoutMs }).then(
  (result) => {
    // Not process.exit(): it would hide the handles that tests have left open.
    process.exitCode = result.hasPassed ? 0 : 1;
    setTimeout(() => {
      const open = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout');
      console.error(`The ${suite} suite has left things open: ${open.join(', ') || 'timers'}.`);
      process.exit(1);
    }, END_MS).unref();
  },
);
