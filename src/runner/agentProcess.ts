import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { errorCode, messageOf, UserError } from '../base/errors';
import { LineSplitter } from '../base/lines';
import type { AgentExit, AgentPipes } from '../agents/agentConnection';
import type { Environment } from '../agents/environment';

/** Longest line of standard error that is kept whole, in UTF-16 units; a longer one is cut in pieces. */
const MAX_ERROR_LINE_CHARS = 4_000;

/** Lines that an error's message is followed by. */
const BACKTRACE = /^(?:at |\d+: |stack backtrace:|Node\.js v\d)/i;

/** What to start. */
export interface AgentProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** An agent's process, in a process group (and session) of its own. */
export class AgentProcess implements AgentPipes {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the process itself has ended; others may still hold its output open. */
  readonly exited: Promise<AgentExit>;
  /** Settles when, besides, its output has come to an end. */
  readonly closed: Promise<void>;
  /** How it ended; undefined while it lives. */
  exit: AgentExit | undefined;
  private lastLine: string | undefined;

  private constructor(
    child: Child & { readonly pid: number },
    onErrorLine: (line: string) => void,
    whenReady: () => Promise<void>,
  ) {
    this.pid = child.pid;
    this.stdin = child.stdin;
    this.stdout = child.stdout;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.exit = { code: code ?? undefined, signal: signal ?? undefined };
        resolve(this.exit);
      });
    });
    const errors = this.readErrors(child.stderr, onErrorLine, whenReady);
    this.closed = new Promise<void>((resolve) => child.once('close', () => resolve())).then(
      () => errors,
    );
    // What can still go wrong is told by `exited`; without listeners it would end the runner.
    child.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
  }

  /**
   * Starts an agent, without a shell.
   * @param onErrorLine gets what it writes to standard error, line by line
   * @param whenReady settles when more of that can be taken
   * @throws {UserError} when it cannot be started, naming the program and what to do
   */
  static async start(
    program: AgentProgram,
    onErrorLine: (line: string) => void,
    whenReady: () => Promise<void>,
  ): Promise<AgentProcess> {
    const { command, args, env, cwd } = program;
    if (process.platform === 'win32' && /\.(cmd|bat)$/i.test(command)) {
      throw new UserError(
        `"${command}" is a batch file, which Deputy does not start. Name the program that it starts in the settings.`,
      );
    }
    // A missing folder would be reported as a missing program.
    if (!(await isFolder(cwd))) {
      throw new UserError(`The folder ${cwd} that "${command}" is to work in is not there.`);
    }
    let child: Child;
    try {
      child = spawn(command, args, {
        cwd,
        env,
        detached: true,
        windowsHide: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      await once(child, 'spawn');
    } catch (error) {
      throw startError(command, error);
    }
    return new AgentProcess(child as Child & { pid: number }, onErrorLine, whenReady);
  }

  /** The last line on standard error that says something, without colours; no line of a backtrace. */
  get lastErrorLine(): string | undefined {
    return this.lastLine;
  }

  /** Ends its standard input; for most agents the polite way to tell them to end. */
  closeInput(): void {
    this.stdin.end();
  }

  private async readErrors(
    stream: Readable,
    onErrorLine: (line: string) => void,
    whenReady: () => Promise<void>,
  ): Promise<void> {
    const splitter = new LineSplitter((line) => {
      const plain = stripVTControlCharacters(line).trim();
      if (plain === '') return;
      if (!BACKTRACE.test(plain)) this.lastLine = plain;
      onErrorLine(line);
    }, MAX_ERROR_LINE_CHARS);
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        splitter.push(chunk);
        await whenReady();
      }
    } catch {
      // A pipe that breaks off has ended.
    }
    splitter.end();
  }
}

async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await fs.stat(folder)).isDirectory();
  } catch {
    return false;
  }
}

function startError(command: string, error: unknown): UserError {
  const options = { cause: error };
  const code = errorCode(error);
  if (code === 'ENOENT') {
    return new UserError(
      `The program "${command}" was not found. Install it, or set its path in the settings.`,
      options,
    );
  }
  if (code === 'EACCES') {
    return new UserError(
      `The program "${command}" may not be run. Make it executable, or set another path in the settings.`,
      options,
    );
  }
  return new UserError(
    `The program "${command}" could not be started: ${messageOf(error)}`,
    options,
  );
}
