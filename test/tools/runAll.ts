// All checks and suites: npm test [-- [step…] [--grep <pattern>] [--long]]
// --long: the fault suite tries many more faults.
// The last line is "N passed, N failed"; the exit code is 0 only if something passed and nothing failed.
import { parseArgs } from 'node:util';
import { runStep, type StepResult } from './runStep';
import { allSteps, type Step } from './steps';

const INTERRUPTED = 130;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { grep: { type: 'string' }, long: { type: 'boolean' } },
  });
  // The steps inherit it; test/fault/settings.ts reads it.
  if (values.long) process.env['DEPUTY_FAULT'] = 'long';
  const steps = select(allSteps(), positionals);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupt.abort());
  }
  const results: StepResult[] = [];
  for (const step of steps) {
    if (interrupt.signal.aborted) break;
    console.log(`\n── ${step.name} ${'─'.repeat(Math.max(0, 70 - step.name.length))}`);
    const result = await runStep(step, values.grep, interrupt.signal);
    for (const complaint of result.complaints) console.log(`${step.name}: ${complaint}`);
    results.push(result);
  }
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  printTable(results);
  if (passed + failed === 0) console.log('No test was run.');
  console.log(`${passed} passed, ${failed} failed`);
  if (interrupt.signal.aborted) return INTERRUPTED;
  return passed > 0 && failed === 0 ? 0 : 1;
}

function select(steps: readonly Step[], names: readonly string[]): Step[] {
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `There is no step ${unknown.join(', ')}. Steps: ${steps.map((step) => step.name).join(', ')}.`,
    );
  }
  return steps.filter((step) => names.length === 0 || names.includes(step.name));
}

function printTable(results: readonly StepResult[]): void {
  const cells = [
    ['step', 'passed', 'failed', 'seconds'],
    ...results.map((result) => [
      result.name,
      String(result.passed),
      String(result.failed),
      (result.durationMs / 1000).toFixed(1),
    ]),
  ];
  console.log('');
  for (const [name = '', ...numbers] of cells) {
    console.log(name.padEnd(12) + numbers.map((text) => text.padStart(9)).join(''));
  }
  console.log('');
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
