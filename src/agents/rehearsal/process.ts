import { spawn, type ChildProcess } from 'node:child_process';
import { within } from '../../base/async';
import { errorCode, messageOf, UserError } from '../../base/errors';
import { exists } from '../../base/files';
import { killWindowsTree } from '../../base/processes/windows';

/** Time between the polite signal and the forced kill, in milliseconds. */
const GRACE_MS = 1000;
/** Time for the last output of a program that has ended, in milliseconds. */
const DRAIN_MS = 500;

/** Programs that run now. */
const running = new Set<ChildProcess>();

/** Kills every program that {@link runProcess} runs, without waiting; for the end of this process. */
export function killRunningPrograms(): void {
  for (const child of running) killGroup(child, 'SIGKILL');
}

/** How a program ended. */
export interface ProcessEnd {
  /** Exit code, or undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** What to start, and where its output goes. */
export interface ProcessOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** Absolute path of an existing folder. */
  readonly cwd: string;
  /** Set on top of this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each piece of standard output and standard error. */
  readonly onOutput: (text: string) => void;
}

/**
 * Runs a program without a shell and without input, and settles when it and everything in its
 * process group have ended. An abort ends them (politely, then by force) and does not reject.
 * @throws {UserError} when the program cannot be started
 */
export async function runProcess(
  options: ProcessOptions,
  signal?: AbortSignal,
): Promise<ProcessEnd> {
  const { program, args, cwd, env, onOutput } = options;
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own can be ended as a whole.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  running.add(child);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', onOutput);
  }
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once('error', (error) => reject(error));
    child.once('exit', (code, name) =>
      resolve({ code: code ?? undefined, signal: name ?? undefined }),
    );
  });
  let force: NodeJS.Timeout | undefined;
  const stop = (): void => {
    killGroup(child, 'SIGTERM');
    force = setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS);
  };
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    const end = await ended.catch(async (error: unknown) => {
      throw await notStarted(program, cwd, error);
    });
    // What it left in its group would hold the pipes open and outlive the agent.
    killGroup(child, 'SIGKILL');
    await within(closed, DRAIN_MS, undefined);
    return end;
  } finally {
    running.delete(child);
    signal?.removeEventListener('abort', stop);
    clearTimeout(force);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    if (child.exitCode !== null || child.signalCode !== null) return;
    // Nobody waits for it: the end of the program itself tells.
    void killWindowsTree(child.pid).then((result) => {
      if (result.kind === 'failed') child.kill();
    });
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // EPERM is what macOS answers for a group of zombies.
    if (errorCode(error) !== 'ESRCH' && errorCode(error) !== 'EPERM') throw error;
  }
}

async function notStarted(program: string, cwd: string, error: unknown): Promise<UserError> {
  // Node reports a missing folder as if the program were missing.
  const isFolderGone = !(await exists(cwd));
  const isProgramMissing = errorCode(error) === 'ENOENT';
  const why = isFolderGone
    ? `the folder ${cwd} is gone`
    : isProgramMissing
      ? 'there is no such program'
      : messageOf(error);
  return new UserError(`"${program}" could not be started: ${why}.`, { cause: error });
}
