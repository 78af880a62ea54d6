// Opens Deputy in a real VS Code on a scratch repository: npm start
//   npm start -- --check   does the main job in that VS Code without a person and prints the board
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as path from 'node:path';
import { findOnPath } from '../host/installDesktop';
import { ensureServer } from '../host/installServer';
import { repoRoot } from '../host/paths';
import { makeScratchRepository } from '../host/scratchRepository';
import { VsCodeServer } from '../host/server';
import { installVsix } from '../host/uiKit';
import { checkMainJob } from './check';
import { packageVsix } from './package';

/** The same each time, as VS Code keeps the state of a served folder by the port. */
const PORT = 27183;

async function start(): Promise<void> {
  const scratch = path.join(repoRoot(), '.scratch');
  const repository = path.join(scratch, 'repository');
  await fs.mkdir(repository, { recursive: true });
  await makeScratchRepository(repository);
  const desktop = findOnPath(process.platform === 'win32' ? 'code.cmd' : 'code');
  if (desktop === undefined) await startServed(scratch, repository);
  else await startDesktop(desktop, scratch, repository);
}

async function startDesktop(code: string, scratch: string, repository: string): Promise<void> {
  const args = [
    `--extensionDevelopmentPath=${repoRoot()}`,
    `--user-data-dir=${path.join(scratch, 'desktop')}`,
    '--new-window',
    repository,
  ];
  // Windows runs a .cmd file only through its command interpreter.
  const [program, ...rest] =
    process.platform === 'win32' ? ['cmd.exe', '/d', '/c', code, ...args] : [code, ...args];
  const child = spawn(program, rest, { stdio: 'inherit' });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  if (exitCode !== 0) throw new Error(`${code} ended with code ${exitCode ?? 'none'}.`);
  console.log(`VS Code shows ${repository} with Deputy; the view is in the activity bar.`);
}

async function startServed(scratch: string, repository: string): Promise<void> {
  if (process.platform !== 'linux') {
    throw new Error(
      'There is no `code` on PATH. In VS Code, run "Shell Command: Install \'code\' command in PATH", then npm start again.',
    );
  }
  const home = path.join(scratch, 'served');
  const files = await ensureServer();
  const vsix = await packageVsix();
  await installVsix(files, home, vsix.file);
  const server = await VsCodeServer.start(files, {
    userDataDir: path.join(home, 'data'),
    extensionsDir: path.join(home, 'extensions'),
    port: (await isFree(PORT)) ? PORT : 0,
  });
  console.log(
    `There is no \`code\` on PATH, so VS Code is served. Open this in a browser:\n\n  ${server.url({ folder: repository })}\n\nCtrl+C ends it, and the sessions that it runs.`,
  );
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
  await Promise.race([interrupted, server.exited]);
  await server.stop();
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

const main = process.argv.includes('--check') ? checkMainJob : start;

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
