import { spawn, type ChildProcess } from 'node:child_process';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { built } from '../../host/paths';
import { Changes } from '../../support/changes';

/** What a stand-in of the extension host is to do. */
export interface HostOptions {
  /** How many sessions there are to be. */
  readonly sessions: number;
  /** Adds to what the host before it has shown, as it must not: for a control. */
  readonly keepsChannels?: boolean;
}

/** A process that stands in for an extension host: `test/fixtures/coreHost.ts`. */
export class Host {
  /** Settles when it has ended and all its words were read: with the signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>;
  /** How many sessions were at work when it last told of it. */
  running = 0;
  private readonly said: string[] = [];
  private readonly changes = new Changes();
  private hasEnded = false;

  private constructor(private readonly child: ChildProcess) {
    const { stdout, stderr } = child;
    if (!stdout || !stderr) throw new Error('A host needs its pipes.');
    readline.createInterface({ input: stdout }).on('line', (line) => this.take(line));
    stderr.setEncoding('utf8').on('data', (text: string) => this.take(`complained ${text}`));
    // It may be gone by the time it is told something.
    child.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      child.on('close', (_code, signal) => {
        this.hasEnded = true;
        resolve(signal);
        this.changes.tell();
      });
    });
  }

  /** @param root holds everything; short, because sockets lie below it */
  static start(root: string, options: HostOptions): Host {
    const args = [built('fixtures', 'coreHost'), root, JSON.stringify(options)];
    const env = {
      ...process.env,
      TMPDIR: path.join(root, 't'),
      DEPUTY_REHEARSAL_HOME: path.join(root, 'rehearsal'),
    };
    return new Host(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], env }));
  }

  /** Everything that must not be heard: what failed or ended, and its own defects. */
  get troubles(): string[] {
    return this.said.filter((line) => /^(failed|exit|warned|complained) /.test(line));
  }

  /** The first line that matches, said before or from now on. @throws when it ends without one */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.said.find((each) => pattern.test(each));
      if (line !== undefined) return line;
      if (this.hasEnded) throw new Error(`It ended without ${String(pattern)}:\n${this.words}`);
      await this.changes.next();
    }
  }

  /** Waits until at least so many sessions are at work. */
  async untilRunning(count: number): Promise<void> {
    while (this.running < count && !this.hasEnded) await this.changes.next();
  }

  /** Gives it a command. */
  send(command: 'finish' | 'stop' | 'close'): void {
    this.child.stdin?.write(`${command}\n`);
  }

  /** Ends it at once, whatever it does. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  private get words(): string {
    return this.said.slice(-20).join('\n');
  }

  private take(line: string): void {
    const running = /^running (\d+)$/.exec(line)?.[1];
    if (running === undefined) this.said.push(line);
    else this.running = Number(running);
    this.changes.tell();
  }
}
