import { spawn, type ChildProcessByStdio } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { Readable } from 'node:stream';
import { deferred } from '../base/async';
import { messageOf, UserError } from '../base/errors';
import { ensurePrivateFolder, writeFileAtomic } from '../base/files';
import { LAUNCH_FILE, MARKER_VARIABLE, type LaunchData } from '../domain/runnerProtocol';
import { cleanEnvironment } from './environment';

/** Where a runner's own last words go; empty unless it breaks down. */
const RUNNER_LOG_FILE = 'runner.log';

/** What {@link launchRunner} starts. */
export interface RunnerLaunch {
  /** The program that runs JavaScript: `process.execPath`, of Node or of Electron. */
  readonly node: string;
  /** Absolute path of the runner's bundle. */
  readonly runnerProgram: string;
  /** The session's folder; it is made when it is missing. */
  readonly sessionFolder: string;
  readonly launch: LaunchData;
}

/** The runner did not come up; the message says why as far as it is known. */
export class RunnerLaunchError extends UserError {
  override name = 'RunnerLaunchError';
}

/**
 * Starts a runner that lives on when this process ends, and settles as soon as its socket answers.
 * The agent is started after that: its success or failure comes as events.
 * @param timeoutMs time until the socket must answer; then the runner is killed; default 20,000
 * @returns the runner's process id
 * @throws {RunnerLaunchError} when the runner ends, or is killed, before its socket answers
 */
export async function launchRunner(
  { node, runnerProgram, sessionFolder, launch }: RunnerLaunch,
  timeoutMs = 20_000,
): Promise<{ pid: number }> {
  await ensurePrivateFolder(sessionFolder);
  await fs.chmod(sessionFolder, 0o700);
  const launchFile = path.join(sessionFolder, LAUNCH_FILE);
  await writeFileAtomic(launchFile, JSON.stringify(launch));
  try {
    return await spawnRunner(node, [runnerProgram, sessionFolder], launch.marker, timeoutMs);
  } catch (error) {
    // The runner may not have come as far as to empty it.
    await writeFileAtomic(launchFile, JSON.stringify({ ...launch, env: {}, task: '' }));
    throw error;
  }
}

type RunnerProcess = ChildProcessByStdio<null, Readable, null>;

async function spawnRunner(
  node: string,
  args: readonly [program: string, sessionFolder: string],
  marker: string,
  timeoutMs: number,
): Promise<{ pid: number }> {
  // A file, not a pipe: it holds what a runner says when it breaks down after we are gone.
  const logFile = path.join(args[1], RUNNER_LOG_FILE);
  const log = await fs.open(logFile, 'a', 0o600);
  try {
    const child = spawn(node, args, {
      cwd: args[1],
      env: {
        ...cleanEnvironment(process.env),
        // Electron runs as plain Node then; Node itself does not mind.
        ELECTRON_RUN_AS_NODE: '1',
        [MARKER_VARIABLE]: marker,
      },
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'pipe', log.fd],
    }) as RunnerProcess;
    const pid = await whenReady(child, timeoutMs).catch(async (error: unknown) => {
      const lastLine = await lastLineOf(logFile);
      throw new RunnerLaunchError(
        `The session's runner could not be started: ${lastLine ?? messageOf(error)}`,
        { cause: error },
      );
    });
    child.unref();
    return { pid };
  } finally {
    await log.close();
  }
}

/** Settles when the runner has written its first bytes; it writes nothing else on this pipe. */
async function whenReady(child: RunnerProcess, timeoutMs: number): Promise<number> {
  const ready = deferred<number>();
  child.on('error', (error) => ready.reject(error));
  child.once('exit', (code, signal) => {
    ready.reject(new Error(`it ended with ${signal ?? `exit code ${String(code)}`}.`));
  });
  child.stdout.once('data', () => ready.resolve(child.pid ?? 0));
  const timer = setTimeout(() => {
    ready.reject(new Error(`it was not ready within ${timeoutMs} ms.`));
    child.kill('SIGKILL');
  }, timeoutMs);
  try {
    return await ready.promise;
  } finally {
    clearTimeout(timer);
    // Nothing of ours stays connected to the runner, so that neither can hold up the other.
    child.stdout.destroy();
  }
}

async function lastLineOf(file: string): Promise<string | undefined> {
  const text = await fs.readFile(file, 'utf8');
  return text.trimEnd().split('\n').at(-1)?.trim() || undefined;
}
