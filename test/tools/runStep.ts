import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { runChild } from './childRun';
import { GREP_VARIABLE } from './mochaRun';
import { RESULT_VARIABLE, type SuiteResult } from './reporter';
import type { Step } from './steps';

/** What a step came to. */
export interface StepResult {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly durationMs: number;
  /** What counts as a failure beside failed tests: skipped ones, leftovers, an early end. */
  readonly complaints: readonly string[];
}

/**
 * Runs a step. Each complaint counts as one failure.
 * @param grep only tests whose title matches; then a suite without such a test is no failure
 * @param signal ends the step and everything it has started
 */
export async function runStep(
  step: Step,
  grep: string | undefined,
  signal: AbortSignal,
): Promise<StepResult> {
  const startedMs = Date.now();
  const complaints: string[] = [];
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'dr-'));
  const resultFile = path.join(folder, 'result.json');
  const env = { [RESULT_VARIABLE]: resultFile, ...(grep ? { [GREP_VARIABLE]: grep } : {}) };
  let exitCode = 0;
  try {
    for (const program of step.programs) {
      const child = await runChild(program, env, step.timeoutMs, signal);
      complaints.push(...child.leftovers.map((left) => `left behind: ${left}`));
      exitCode = child.exitCode;
      if (exitCode !== 0) break;
    }
    const counts =
      step.kind === 'check'
        ? { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1 }
        : countSuite(await readResult(resultFile), exitCode, grep, complaints);
    return {
      name: step.name,
      passed: counts.passed,
      failed: counts.failed + complaints.length,
      durationMs: Date.now() - startedMs,
      complaints,
    };
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

function countSuite(
  result: SuiteResult | undefined,
  exitCode: number,
  grep: string | undefined,
  complaints: string[],
): { passed: number; failed: number } {
  if (!result) {
    complaints.push(`ended with code ${exitCode} before its tests did`);
    return { passed: 0, failed: 0 };
  }
  if (result.pending > 0) complaints.push(`${result.pending} skipped`);
  const total = result.passed + result.failed + result.pending;
  if (total === 0 && grep === undefined) complaints.push('ran no tests');
  else if (total > 0 && exitCode !== 0 && result.failed === 0 && result.pending === 0) {
    complaints.push(`ended with code ${exitCode} although all its tests have passed`);
  }
  return { passed: result.passed, failed: result.failed };
}

async function readResult(file: string): Promise<SuiteResult | undefined> {
  try {
    return JSON.parse(await fs.readFile(file, 'utf8')) as SuiteResult;
  } catch {
    // Not there, or cut off: the suite did not come to its end.
    return undefined;
  }
}
