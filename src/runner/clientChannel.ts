import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { within } from '../base/async';
import { LineSplitter } from '../base/lines';
import {
  isRunnerVersion,
  type RunnerCommand,
  type RunnerMessage,
  type RunnerReply,
} from '../domain/runnerProtocol';
import type { ActCommand } from '../agents/runnerClient';
import { parseClientMessage, type ClientMessage } from './clientMessages';
import { Subscription } from './subscription';
import type { EventLog } from './eventLog';

/** Time in which a client must have proven itself. */
const HELLO_TIMEOUT_MS = 5_000;

/** Time in which a client must take the last events before the runner ends. */
const FAREWELL_MS = 5_000;

/** Bytes that a client may send before it has proven itself. */
const MAX_HELLO_BYTES = 8 * 1024;

/** Longest command, in UTF-16 units; a prompt may hold a whole file. */
const MAX_COMMAND_CHARS = 64 * 1024 * 1024;

/** Answers that a client has not taken; above this its commands are not read. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/** What a channel needs to know of the session. */
export interface SessionAccess {
  readonly sessionId: string;
  readonly controlToken: string;
  readonly log: EventLog;
  /** Acts on a command; never rejects. */
  act(command: ActCommand): Promise<RunnerReply>;
}

/** One client's connection to the runner. */
export class ClientChannel {
  /** Settles when the connection has ended. */
  readonly closed: Promise<void>;
  private readonly splitter: LineSplitter;
  private readonly helloTimer: NodeJS.Timeout;
  private hasProvenItself = false;
  private bytesBeforeHello = 0;
  private subscription: Subscription | undefined;
  private subscriptionDone: Promise<void> = Promise.resolve();

  constructor(
    private readonly socket: Socket,
    private readonly session: SessionAccess,
    private readonly onSubscribed: () => void,
  ) {
    this.splitter = new LineSplitter((line) => this.handleLine(line), MAX_COMMAND_CHARS);
    this.helloTimer = setTimeout(() => socket.destroy(), HELLO_TIMEOUT_MS);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    void this.closed.then(() => {
      clearTimeout(this.helloTimer);
      this.subscription?.dispose();
    });
    // 'close' follows, and that is all that matters.
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.handleData(chunk));
  }

  /** Ends the connection once the client has taken the last events, or has not in time. */
  async end(): Promise<void> {
    this.subscription?.end();
    await within(
      this.subscriptionDone.then(() => {
        this.socket.end();
        return this.closed;
      }),
      FAREWELL_MS,
      undefined,
    );
    this.socket.destroy();
  }

  private handleData(chunk: Buffer): void {
    this.splitter.push(chunk);
    if (!this.hasProvenItself) {
      this.bytesBeforeHello += chunk.length;
      if (this.bytesBeforeHello > MAX_HELLO_BYTES) this.socket.destroy();
    }
    if (this.socket.writableLength > MAX_UNSENT_BYTES) {
      this.socket.pause();
      this.socket.once('drain', () => this.socket.resume());
    }
  }

  private handleLine(line: string): void {
    if (this.socket.destroyed) return;
    const message = parseClientMessage(line);
    if (!this.hasProvenItself) this.handleHello(message);
    else if (message.kind === 'command') void this.handleCommand(message.command);
    else if (message.kind === 'unknown-command') {
      this.send({ reply: message.id, ok: false, error: 'The runner does not know this command.' });
    } else this.socket.destroy();
  }

  private handleHello(message: ClientMessage): void {
    if (
      message.kind !== 'hello' ||
      !isSameSecret(message.token, this.session.controlToken) ||
      !isRunnerVersion(message.version)
    ) {
      this.socket.destroy();
      return;
    }
    this.hasProvenItself = true;
    clearTimeout(this.helloTimer);
    const { sessionId, log } = this.session;
    this.send({ welcome: { sessionId, version: message.version, seq: log.writtenSeq } });
  }

  private async handleCommand(command: RunnerCommand): Promise<void> {
    if (command.command === 'subscribe') this.subscribe(command.id, command.fromSeq);
    else if (command.command === 'applied') this.acknowledge(command.seq);
    else this.send(await this.session.act(command));
  }

  private acknowledge(seq: number): void {
    // A segment that cannot be deleted now can be after the next acknowledgement.
    this.session.log.acknowledge(seq).catch(() => undefined);
  }

  private subscribe(id: string, fromSeq: number): void {
    if (this.subscription) {
      this.send({ reply: id, ok: false, error: 'This connection has subscribed already.' });
    } else {
      this.send({ reply: id, ok: true });
      this.onSubscribed();
      this.subscription = new Subscription(this.session.log, fromSeq, (bytes) => this.write(bytes));
      // A log that cannot be read leaves the client without events: it must not believe otherwise.
      this.subscriptionDone = this.subscription.run().catch(() => {
        this.socket.destroy();
      });
    }
  }

  private send(message: RunnerMessage): void {
    if (this.socket.writable) this.socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Settles when the client can take more, or never will. */
  private async write(bytes: Buffer): Promise<void> {
    if (!this.socket.writable || this.socket.write(bytes)) return;
    await Promise.race([once(this.socket, 'drain').catch(() => undefined), this.closed]);
  }
}

/** Compares without telling by its time how much is right. */
function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
