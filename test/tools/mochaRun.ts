import * as fs from 'node:fs';
import * as path from 'node:path';
import { createReporter, resultOf, type SuiteResult } from './reporter';

/** Set by `--grep`: only tests whose full title matches are run. */
export const GREP_VARIABLE = 'DEPUTY_TEST_GREP';

/** Which tests to run. */
export interface MochaRun {
  /** The name under which the result is reported. */
  readonly suite: string;
  /** All built `*.test.js` below it are run, in the order of their names. */
  readonly folder: string;
  /** For each test and each hook, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Runs built tests with mocha in this process.
 * @returns the counts, and whether all is well: something ran, nothing failed, nothing was skipped
 */
export async function runMocha(
  options: MochaRun,
): Promise<SuiteResult & { readonly hasPassed: boolean }> {
  const { default: Mocha } = await import('mocha');
  const grep = process.env[GREP_VARIABLE];
  const mocha = new Mocha({
    ui: 'bdd',
    timeout: options.timeoutMs,
    forbidOnly: true,
    reporter: createReporter(Mocha, options.suite),
    ...(grep ? { grep } : {}),
  });
  for (const file of testFiles(options.folder)) mocha.addFile(file);
  const stats = await new Promise<Mocha.Stats>((resolve, reject) => {
    const runner = mocha.run(() => {
      if (runner.stats) resolve(runner.stats);
      else reject(new Error('mocha ended without counts'));
    });
  });
  const result = resultOf(options.suite, stats);
  const hasPassed = result.passed > 0 && result.failed === 0 && result.pending === 0;
  return { ...result, hasPassed };
}

function testFiles(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .sort()
    .map((name) => path.join(folder, name));
}
