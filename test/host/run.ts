import { spawn } from 'node:child_process';

/** What {@link run} may be told besides the command. */
export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the child; default: ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** The child is killed after so many milliseconds; default 10 minutes. */
  readonly timeoutMs?: number;
}

/** A command that could not be started, was killed, or ended with another code than 0. */
export class CommandFailedError extends Error {
  override name = 'CommandFailedError';

  constructor(
    readonly command: string,
    readonly args: readonly string[],
    /** The exit code, the name of the signal, or the code of the system error. */
    readonly ended: number | string,
    readonly stderr: string,
  ) {
    super(`${command} ${args.join(' ')} ended with ${ended}: ${stderr.trim().slice(-2000)}`);
  }
}

/**
 * Runs a command without a shell and gives what it wrote to stdout.
 * @throws {CommandFailedError} unless it ended with code 0
 */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 600_000,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(new CommandFailedError(command, args, error.code ?? 'error', error.message));
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new CommandFailedError(command, args, code ?? signal ?? 'unknown', stderr));
    });
  });
}
