import * as fs from 'node:fs';
import { createRequire } from 'node:module';

/** Names the test module that is run in our place. */
export const TESTS_VARIABLE = 'DEPUTY_TEST_MODULE';
/** Names the file in which it is written how the run ended. */
export const OUTCOME_VARIABLE = 'DEPUTY_TEST_OUTCOME';

/**
 * Loaded by the extension host in place of the real test module: writes to disk how its `run()`
 * ended. VS Code reports exit code 0 also when the extension host has crashed.
 */
export async function run(): Promise<void> {
  const outcome = process.env[OUTCOME_VARIABLE] ?? '';
  try {
    const tests = process.env[TESTS_VARIABLE] ?? '';
    const module = createRequire(__filename)(tests) as { run(): Promise<void> };
    await module.run();
    fs.writeFileSync(outcome, 'passed');
  } catch (error) {
    fs.writeFileSync(outcome, 'failed');
    throw error;
  }
}
