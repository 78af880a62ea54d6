import { execFile } from 'node:child_process';
import { toError } from '../errors';

/** What a short-lived program of the system has said. */
export interface Captured {
  readonly pid: number;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that lists processes could not be run, or ended with an error. */
export class ProcessListError extends Error {
  override name = 'ProcessListError';

  constructor(
    readonly program: string,
    /** Its exit code, or undefined when it did not start or was killed. */
    readonly code: number | undefined,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`The processes cannot be listed, because ${program} failed: ${why}`, options);
  }
}

/** PowerShell alone may take seconds to start on a busy system. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** Thousands of long command lines. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Runs a program without a shell, a window or input, and gives its exit code and output (UTF-8).
 * @param env the whole environment; default: that of this process
 * @param timeoutMs after which it is killed, in milliseconds; default 30,000
 * @throws {Error} when it cannot be started, is killed, or says more than 64 MB
 */
export function capture(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<Captured> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { env, timeout: timeoutMs, maxBuffer: MAX_BYTES, windowsHide: true, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        const code = error ? error.code : 0;
        if (typeof code === 'number') resolve({ pid: child.pid ?? 0, code, stdout, stderr });
        else reject(toError(error));
      },
    );
    // One that does not start, or does not read, is told by the callback.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end();
  });
}

/**
 * As {@link capture}, for a program that lists processes.
 * @param fine exit codes that are no failure; default only 0
 * @throws {ProcessListError} when it cannot be run or ends with another code
 */
export async function captureList(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  fine: readonly number[] = [0],
): Promise<Captured> {
  let captured: Captured;
  try {
    captured = await capture(program, args, env);
  } catch (error) {
    throw new ProcessListError(program, undefined, toError(error).message, { cause: error });
  }
  const { code, stderr } = captured;
  if (fine.includes(code)) return captured;
  throw new ProcessListError(program, code, stderr.trim() || `exit code ${code}.`);
}
