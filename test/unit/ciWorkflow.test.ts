import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { allSteps } from '../tools/steps';

/** The workflow without its comments. Read as lines: its shape is ours, a parser would be one more package. */
const workflow = fs
  .readFileSync('.github/workflows/ci.yml', 'utf8')
  .split('\n')
  .filter((line) => !line.trim().startsWith('#'))
  .join('\n');

const manifest = JSON.parse(fs.readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** What follows `key:` on its line, anywhere. */
function valuesOf(key: string): string[] {
  return [...workflow.matchAll(new RegExp(`^[ -]*${key}: *(.+)$`, 'gm'))].map(([, value = '']) =>
    value.trim(),
  );
}

/** The text of each job, by its name. */
function jobs(): Map<string, string> {
  const [, text = ''] = workflow.split(/^jobs:$/m);
  const parts = text.split(/^ {2}(\w+):$/m).slice(1);
  return new Map(parts.flatMap((name, i) => (i % 2 === 0 ? [[name, parts[i + 1] ?? '']] : [])));
}

/** Each `npm test -- …` of the workflow: the steps that it names, and the pattern of its --grep. */
function testRuns(): { readonly steps: readonly string[]; readonly grep: string | undefined }[] {
  return [...workflow.matchAll(/npm test -- (.+)$/gm)].map(([, words = '']) => {
    const [, names = '', grep] = /^([a-z ]+?)(?: --grep "(.+)")?$/.exec(words) ?? [];
    return { steps: names.split(' '), grep };
  });
}

function sourcesBelow(folder: string): string {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => fs.readFileSync(path.join(folder, name), 'utf8'))
    .join('\n');
}

describe('the workflow for CI', () => {
  it('names only steps that there are', () => {
    const known = allSteps().map(({ name }) => name);
    assert.ok(testRuns().length > 0);
    for (const { steps } of testRuns()) {
      for (const step of steps) assert.ok(known.includes(step), step);
    }
  });

  it('selects only tests that there are', () => {
    const patterns = testRuns().filter(({ grep }) => grep !== undefined);
    assert.ok(patterns.length > 0);
    for (const { steps, grep = '' } of patterns) {
      const titles = [...sourcesBelow(`test/${steps[0] ?? ''}`).matchAll(/^describe\('(.+?)'/gm)];
      for (const part of grep.split('|')) {
        assert.ok(
          titles.some(([, title = '']) => title.includes(part)),
          part,
        );
      }
    }
  });

  it('runs only programs that there are', () => {
    const known = ['ci', 'test', ...Object.keys(manifest.scripts)];
    const runs = valuesOf('run');
    for (const run of runs) {
      const [, script] = /^npm (?:run )?(\S+)/.exec(run) ?? [];
      if (script !== undefined) assert.ok(known.includes(script), run);
    }
    assert.ok(runs.includes('.ci/run'));
    assert.match(fs.readFileSync('.ci/run', 'utf8'), /^npm ci .*\n(?:#.*\n)*npm test/m);
    fs.accessSync('.ci/run', process.platform === 'win32' ? undefined : fs.constants.X_OK);
  });

  it('runs on the three systems', () => {
    const systems = valuesOf('runs-on').concat(valuesOf('os')).join(' ');
    for (const system of ['ubuntu', 'macos', 'windows']) {
      assert.match(systems, new RegExp(`\\b${system}-\\d`));
    }
  });

  it('may only read, and ends', () => {
    assert.match(workflow, /^permissions:\n {2}contents: read\n(?! )/m);
    assert.match(workflow, /^concurrency:\n {2}group: .+\n {2}cancel-in-progress: true$/m);
    assert.equal(valuesOf('permissions').length, 0);
    assert.doesNotMatch(workflow, /secrets\.|: write/);
    assert.equal(jobs().size, 3);
    for (const [name, text] of jobs()) assert.match(text, /^ {4}timeout-minutes: \d+$/m, name);
  });

  it('pins what it uses', () => {
    const used = valuesOf('uses');
    assert.ok(used.length > 0);
    for (const action of used) assert.match(action, /^[\w-]+\/[\w-]+@(?:v\d+|[0-9a-f]{40})\b/);
    assert.ok(valuesOf('node-version').every((version) => version === '20'));
  });

  it('lets only the unproven fail', () => {
    for (const [name, text] of jobs()) {
      assert.equal(/continue-on-error: true/.test(text), name === 'unproven', name);
    }
  });
});

describe('CONTRIBUTING, "What was never run"', () => {
  const section = /^## What was never run$([\s\S]*?)^## /m.exec(
    fs.readFileSync('CONTRIBUTING.md', 'utf8'),
  )?.[1];

  it('names functions that there are', () => {
    const sources = sourcesBelow('src') + sourcesBelow('test/host');
    const names = [...(section ?? '').matchAll(/`([a-z]+[A-Z]\w+)`/g)].map(([, name = '']) => name);
    assert.ok(names.length > 10);
    for (const name of names) assert.match(sources, new RegExp(`\\b${name}\\(`), name);
  });

  it('is as long as there are jobs that may fail', () => {
    assert.equal(section !== undefined, jobs().has('unproven'));
    assert.ok(section?.includes('`unproven`'));
  });
});
