// Runs the host suite in a real VS Code: node out/test/host/runHostSuite.js
// The exit code is the one of VS Code; the counts are in the file that DEPUTY_TEST_RESULT names.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { runTests, TestRunFailedError } from '@vscode/test-electron';
import { ensureHost } from './install';
import { findOnPath, hasDisplay } from './installDesktop';
import { built, repoRoot } from './paths';
import { makeScratchRepository } from './scratchRepository';

/** The exit code of VS Code, 0 when all tests have passed. */
async function runHostSuite(): Promise<number> {
  const host = await ensureHost();
  if (host.kind === 'desktop' && !hasDisplay()) return rerunWithDisplay();
  // Short, as unix sockets are made below it, whose whole path may have about 100 bytes.
  const scratch = await fs.mkdtemp(path.join(await fs.realpath(os.tmpdir()), 'h-'));
  const temporary = path.join(scratch, 't');
  const repository = path.join(scratch, 'repo');
  try {
    await fs.mkdir(temporary);
    await fs.mkdir(repository);
    await makeScratchRepository(repository);
    return await runTests({
      vscodeExecutablePath: host.kind === 'desktop' ? host.executable : built('host', 'codeShim'),
      extensionDevelopmentPath: repoRoot(),
      extensionTestsPath: built('host', 'suite'),
      extensionTestsEnv: { TMPDIR: temporary, DEPUTY_TEST_KIND: host.kind },
      launchArgs: [
        repository,
        `--user-data-dir=${path.join(scratch, 'user')}`,
        `--extensions-dir=${path.join(scratch, 'extensions')}`,
      ],
    });
  } catch (error) {
    if (error instanceof TestRunFailedError) return error.code ?? 1;
    throw error;
  } finally {
    await fs.rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function rerunWithDisplay(): Promise<number> {
  const xvfb = findOnPath('xvfb-run');
  if (xvfb === undefined) throw new Error('There is no display and no xvfb-run.');
  const args = ['--auto-servernum', process.execPath, built('host', 'runHostSuite')];
  const child = spawn(xvfb, args, {
    stdio: 'inherit',
    env: { ...process.env, DEPUTY_TEST_HOST: 'desktop' },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

runHostSuite().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
