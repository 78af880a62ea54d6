import { spawn, type ChildProcess } from 'node:child_process';
import * as readline from 'node:readline';
import { built } from '../../host/paths';
import type { PlanOptions } from './plan';
import { Changes } from '../../support/changes';

/** How a writer process opens the store, and what it writes. */
export interface WriterOptions extends PlanOptions {
  /** Kept with each of its transactions. */
  readonly name: string;
  readonly checkpointBytes?: number;
  readonly isFencing?: boolean;
  /** Becomes this user before it does anything; needs root. */
  readonly userId?: number;
  /** Where the programs of the store are, when the user cannot read them where they were built. */
  readonly programs?: { readonly checkpointProgram: string; readonly wasmFile: string };
}

/** A line of a writer: what it is about, and the rest. */
export interface WriterLine {
  readonly word: string;
  readonly rest: string;
}

/** A process that writes to a store: `test/fixtures/storeWriter.ts`. */
export class Writer {
  /** Numbers of the transactions that it has acknowledged. */
  readonly acknowledged: number[] = [];
  /** Settles when it has ended and everything it has said was read: with the signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>;
  private readonly lines: WriterLine[] = [];
  private readonly changes = new Changes();
  private errors = '';
  private hasEnded = false;

  private constructor(private readonly child: ChildProcess) {
    const { stdout, stderr } = child;
    if (!stdout || !stderr) throw new Error('A writer needs its pipes.');
    readline.createInterface({ input: stdout }).on('line', (line) => this.take(line));
    stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    // It may be gone by the time it is told something.
    child.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => (this.errors += error.message));
      child.on('close', (_code, signal) => {
        this.hasEnded = true;
        resolve(signal);
        this.changes.tell();
      });
    });
  }

  /** @param prefix a program, with its arguments, that starts the one that follows */
  static start(folder: string, options: WriterOptions, prefix: readonly string[] = []): Writer {
    const script = built('fixtures', 'storeWriter');
    const own = [process.execPath, script, folder, JSON.stringify(options)] as const;
    const [program, ...args] = [...prefix, ...own];
    return new Writer(spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
  }

  get pid(): number {
    const { pid } = this.child;
    if (pid === undefined) throw new Error(`The writer was not started: ${this.errors}`);
    return pid;
  }

  /** What it has written to stderr. */
  get complaints(): string {
    return this.errors;
  }

  /** Gives it commands; they are done one after the other. */
  send(...commands: readonly string[]): void {
    this.child.stdin?.write(commands.map((command) => `${command}\n`).join(''));
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }

  /**
   * Waits for the next line that begins with one of some words, and forgets it and those before.
   * @returns undefined when the process has ended without one
   * @throws {Error} when the process tells of a failure
   */
  async next(...words: readonly string[]): Promise<WriterLine | undefined> {
    for (;;) {
      for (let line = this.lines.shift(); line; line = this.lines.shift()) {
        if (line.word === 'failed') throw new Error(`the writer failed: ${line.rest}`);
        if (words.includes(line.word)) return line;
      }
      if (this.hasEnded) return undefined;
      await this.changes.next();
    }
  }

  /** Waits until it has acknowledged `count` transactions in all, refuses to go on, or has ended. */
  async untilAcknowledged(count: number): Promise<void> {
    const isOver = (): boolean =>
      this.hasEnded || this.lines.some(({ word }) => word === 'refused' || word === 'failed');
    while (this.acknowledged.length < count && !isOver()) await this.changes.next();
  }

  /**
   * Does a command to its end.
   * @throws {Error} when it was refused, or the process has ended
   */
  async run(command: string): Promise<string> {
    this.send(command);
    const line = await this.next('done', 'refused');
    if (line?.word !== 'done') {
      throw new Error(`${command}: ${line?.rest ?? 'ended'} ${this.errors}`);
    }
    return line.rest;
  }

  /** Does a command that must be refused. @returns the reason, and the message */
  async refused(command: string): Promise<{ reason: string; message: string }> {
    this.send(command);
    const line = await this.next('done', 'refused');
    if (line?.word !== 'refused') throw new Error(`${command} was not refused. ${this.errors}`);
    const [reason = '', ...message] = line.rest.split(' ');
    return { reason, message: message.join(' ') };
  }

  /** Ends it, whatever it does. */
  async dispose(): Promise<void> {
    // A stopped process is killed all the same.
    this.kill();
    await this.ended;
  }

  private take(line: string): void {
    const space = line.indexOf(' ');
    const [word, rest] = space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
    if (word === 'acknowledged') this.acknowledged.push(Number(rest));
    else this.lines.push({ word, rest });
    this.changes.tell();
  }
}
