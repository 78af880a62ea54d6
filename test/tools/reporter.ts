import * as fs from 'node:fs';
import type Mocha from 'mocha';

/** What a run of mocha came to. A skipped test is not a passed one. */
export interface SuiteResult {
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly pending: number;
  readonly durationMs: number;
}

/** The environment variable that names the file for the {@link SuiteResult}, as JSON. */
export const RESULT_VARIABLE = 'DEPUTY_TEST_RESULT';

/**
 * A mocha reporter that prints as `spec` does, and writes the {@link SuiteResult} to the file that
 * DEPUTY_TEST_RESULT names, if any.
 * @param mocha the module; it is loaded at run time, because it is an ES module
 */
export function createReporter(mocha: typeof Mocha, suite: string): Mocha.ReporterConstructor {
  return class ResultReporter extends mocha.reporters.Spec {
    constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
      super(runner, options);
      runner.once('end', () => {
        const file = process.env[RESULT_VARIABLE];
        if (file) fs.writeFileSync(file, JSON.stringify(resultOf(suite, this.stats)));
      });
    }
  };
}

/** The counts of mocha as ours. */
export function resultOf(suite: string, stats: Mocha.Stats): SuiteResult {
  return {
    suite,
    passed: stats.passes,
    failed: stats.failures,
    pending: stats.pending,
    durationMs: stats.duration ?? 0,
  };
}
