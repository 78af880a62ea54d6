// Builds everything: `node esbuild.mjs [--watch] [--tests] [--minify]`.
//   dist/  what the .vsix ships: the extension, the runner, the rehearsal agent, the store's worker
//          thread, the wasm of sql.js
//   out/   the test suites, the tools that run them, and the bench (only with --tests)
import fs from 'node:fs';
import path from 'node:path';
import * as esbuild from 'esbuild';

const flags = new Set(process.argv.slice(2));
const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  sourcemap: true,
  minify: flags.has('--minify'),
  // Class and function names appear in errors and logs.
  keepNames: true,
  logLevel: 'warning',
};

const product = [
  {
    ...common,
    entryPoints: { extension: 'src/extension.ts' },
    outdir: 'dist',
    external: ['vscode'],
  },
  {
    ...common,
    entryPoints: {
      runner: 'src/runner/main.ts',
      rehearsal: 'src/agents/rehearsal/main.ts',
      checkpoint: 'src/store/checkpointMain.ts',
    },
    outdir: 'dist',
  },
];

/** Every file below `folder` whose name ends in `suffix`, as esbuild entry points. */
function entries(folder, suffix) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(suffix))
    .map((name) => path.join(folder, name));
}

const tests = [
  // No `external: vscode` here: a stray run-time import of vscode in the core breaks the build.
  {
    ...common,
    entryPoints: [
      ...entries('test/unit', '.test.ts'),
      ...entries('test/integration', '.test.ts'),
      ...entries('test/fault', '.test.ts'),
      ...entries('test/property', '.test.ts'),
      ...entries('test/fixtures', '.ts'),
    ],
    outdir: 'out',
    outbase: '.',
    minify: false,
  },
  {
    ...common,
    entryPoints: [...entries('test/host', '.test.ts'), 'test/host/suite.ts'],
    outdir: 'out',
    outbase: '.',
    external: ['vscode', 'mocha'],
    minify: false,
  },
  {
    ...common,
    entryPoints: [
      ...entries('test/ui', '.test.ts'),
      ...entries('test/tools', '.ts'),
      ...['codeShim', 'guardian', 'runHostSuite', 'shimRunner'].map(
        (name) => `test/host/${name}.ts`,
      ),
    ],
    outdir: 'out',
    outbase: '.',
    external: ['playwright-core', '@vscode/test-electron', 'mocha', '@vscode/vsce'],
    minify: false,
    // Functions that are sent to the page must not call a helper that exists only here.
    keepNames: false,
  },
  {
    ...common,
    entryPoints: ['main', 'burnWorker', 'floodAgent', 'plainReader'].map(
      (name) => `bench/${name}.ts`,
    ),
    outdir: 'out',
    outbase: '.',
    external: ['@vscode/vsce'],
    minify: false,
  },
];

const builds = (flags.has('--tests') ? [...product, ...tests] : product).map((options) => ({
  ...options,
  entryPoints: Array.isArray(options.entryPoints)
    ? options.entryPoints.filter((file) => fs.existsSync(file))
    : options.entryPoints,
}));

fs.rmSync('dist', { recursive: true, force: true });
if (flags.has('--tests')) fs.rmSync('out', { recursive: true, force: true });
fs.mkdirSync('dist', { recursive: true });
fs.copyFileSync('node_modules/sql.js/dist/sql-wasm.wasm', 'dist/sql-wasm.wasm');

if (flags.has('--watch')) {
  for (const options of builds) await (await esbuild.context(options)).watch();
  console.log('watching');
} else {
  await Promise.all(builds.map((options) => esbuild.build(options)));
  // runTests() starts it as it would start the `code` program.
  if (flags.has('--tests')) fs.chmodSync('out/test/host/codeShim.js', 0o755);
}
