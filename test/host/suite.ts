import * as path from 'node:path';
import { runMocha } from '../tools/mochaRun';

const TEST_MS = 60_000;

/**
 * What the extension host calls: runs every built `*.test.js` of this folder.
 * @throws {Error} when a test has failed or was skipped, or there was none
 */
export async function run(): Promise<void> {
  const result = await runMocha({
    suite: 'host',
    folder: path.join(__dirname),
    timeoutMs: TEST_MS,
  });
  if (!result.hasPassed) {
    throw new Error(
      `${result.failed} failed, ${result.pending} skipped, ${result.passed} passed in the host suite.`,
    );
  }
}
