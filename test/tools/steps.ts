import { createRequire } from 'node:module';
import * as path from 'node:path';
import { built, repoRoot } from '../host/paths';

/** A part of `npm test`. */
export interface Step {
  /** How it is selected on the command line. */
  readonly name: string;
  /** A check counts as one test; a suite reports how many it had. */
  readonly kind: 'check' | 'suite';
  /** Node programs with their arguments, run one after the other; only the last one reports tests. */
  readonly programs: readonly (readonly string[])[];
  readonly timeoutMs: number;
}

const CHECK_MS = 5 * 60_000;
const SUITE_MS = 20 * 60_000;

/** All steps, in the order in which they are run: what fails fast comes first. */
export function allSteps(): Step[] {
  const runMocha = built('tools', 'runMocha');
  const install = built('tools', 'installHost');
  return [
    check('types', ['typescript', 'tsc', '-p', '.']),
    check('lint', ['eslint', 'eslint', '.']),
    check('format', ['prettier', 'prettier', '--check', '.']),
    check('knip', ['knip', 'knip']),
    suite('unit', [[runMocha, 'unit']]),
    suite('integration', [[runMocha, 'integration']]),
    suite('property', [[runMocha, 'property']]),
    suite('fault', [[runMocha, 'fault']]),
    suite('host', [[install, 'host'], [built('host', 'runHostSuite')]]),
    suite('ui', [[install, 'ui'], [built('tools', 'packageMain')], [runMocha, 'ui']]),
  ];
}

function check(
  name: string,
  [packageName, program, ...args]: readonly [string, string, ...string[]],
): Step {
  const script = binOf(packageName, program);
  return { name, kind: 'check', programs: [[script, ...args]], timeoutMs: CHECK_MS };
}

function suite(name: string, programs: readonly (readonly string[])[]): Step {
  return { name, kind: 'suite', programs, timeoutMs: SUITE_MS };
}

/** The script of a package's program: npx would need a shell on Windows. */
function binOf(packageName: string, program: string): string {
  const manifest = path.join(repoRoot(), 'node_modules', packageName, 'package.json');
  const { bin } = createRequire(__filename)(manifest) as { bin: string | Record<string, string> };
  const script = typeof bin === 'string' ? bin : bin[program];
  if (script === undefined) throw new Error(`${packageName} has no program ${program}.`);
  return path.join(path.dirname(manifest), script);
}
