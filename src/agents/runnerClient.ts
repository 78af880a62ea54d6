import { randomUUID } from 'node:crypto';
import * as net from 'node:net';
import { deferred, type Deferred } from '../base/async';
import { ByteLines } from '../base/byteLines';
import { errorCode, UserError } from '../base/errors';
import { Emitter, type Event } from '../base/event';
import type { SessionEvent } from '../domain/events';
import type { ClientHello, RunnerCommand, RunnerReply } from '../domain/runnerProtocol';
import { parseRunnerMessage } from './runnerMessages';

/** Where a runner listens, and what it wants to hear first. */
export interface RunnerAddress {
  /** Whose runner it must be. */
  readonly sessionId: string;
  readonly socket: string;
  readonly token: string;
  /** The protocol's version that the runner was launched with. */
  readonly version: number;
}

/** A command that is answered and counts once. */
export type ActCommand = Exclude<RunnerCommand, { readonly command: 'subscribe' | 'applied' }>;

/**
 * - `absent`: nobody listens there (the socket is missing, or left behind by a dead process)
 * - `refused`: somebody listens but ended the connection: wrong token, or another version
 * - `silent`: somebody listens but did not answer in time; treat it as alive
 * - `stranger`: somebody listens who does not speak as this session's runner does
 */
export type ConnectFailure = 'absent' | 'refused' | 'silent' | 'stranger';

/** No connection to a runner; `reason` says what that tells about it. */
export class RunnerConnectError extends UserError {
  override name = 'RunnerConnectError';

  constructor(
    readonly reason: ConnectFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The connection ended before a command was answered, or the runner did not answer. Whether the runner
 * acted is unknown: send the same command, with the same id, over another connection.
 */
export class RunnerConnectionLostError extends UserError {
  override name = 'RunnerConnectionLostError';
}

/** A connection to a runner that has accepted our token. */
export interface RunnerConnection {
  readonly sessionId: string;
  /** The runner's protocol version. */
  readonly version: number;
  /** `seq` of the last event at the time of connecting; 0 when there is none. */
  readonly lastSeq: number;
  /** Fires once, after the last event was handed out, whoever ended the connection. */
  readonly onDidClose: Event<void>;
  readonly isClosed: boolean;
  /**
   * Hands out every event from `fromSeq` on, those of the past and then those to come, in order,
   * without gap or duplicate. Once per connection. Settles when the runner has accepted.
   * A listener that throws ends the connection, so that no event is passed over in silence.
   * @throws {RunnerConnectionLostError} when the connection ends first
   */
  subscribe(fromSeq: number, onEvent: (event: SessionEvent) => void): Promise<void>;
  /**
   * Sends a command and returns the runner's answer; a refusal is an answer, not an error. A runner
   * that does not answer in time loses the connection.
   * @throws {RunnerConnectionLostError} when the connection ends first
   */
  send(command: ActCommand): Promise<RunnerReply>;
  /** Tells a runner of version 2 or later what is applied; there is no answer. */
  acknowledge(seq: number): void;
  /** Reads no more from the socket until {@link resume}; the rest of what was read is handed out. */
  pause(): void;
  resume(): void;
  /** Ends the connection; the runner lives on. Safe to call twice. */
  close(): void;
}

/** How long a runner may take, in milliseconds. */
export interface ConnectionTimes {
  /** Until its welcome; default 5,000. */
  readonly welcomeMs?: number;
  /** Until its answer to a command, which waits for the disk; default 20,000. */
  readonly replyMs?: number;
}

/**
 * Connects to a runner and proves with its token that we may command it.
 * @throws {RunnerConnectError} when there is no connection; see its `reason`
 */
export async function connectRunner(
  address: RunnerAddress,
  { welcomeMs: timeoutMs = 5_000, replyMs = 20_000 }: ConnectionTimes = {},
): Promise<RunnerConnection> {
  const client = new RunnerClient(address.socket, address.sessionId, replyMs);
  const timer = setTimeout(() => {
    const message = `The runner at ${address.socket} did not answer within ${timeoutMs} ms.`;
    client.giveUp(new RunnerConnectError('silent', message));
  }, timeoutMs);
  try {
    await client.greet(address);
    return client;
  } catch (error) {
    client.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What is read at once. In one buffer for all time: much output would leave as much garbage. */
const READ_BYTES = 64 * 1024;

/** One event may hold a whole prompt. */
const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;

/** Bytes that may come before, and with, a welcome; a stranger could send for ever. */
const MAX_WELCOME_BYTES = 1024 * 1024;

class RunnerClient implements RunnerConnection {
  version = 0;
  lastSeq = 0;
  isClosed = false;
  private readonly didClose = new Emitter<void>();
  readonly onDidClose = this.didClose.event;
  private readonly welcome: Deferred<void> = deferred();
  private readonly waiting = new Map<string, Deferred<RunnerReply>>();
  private onEvent: ((event: SessionEvent) => void) | undefined;

  private readonly socket: net.Socket;

  constructor(
    path: string,
    readonly sessionId: string,
    private readonly replyMs: number,
  ) {
    const splitter = new ByteLines((line) => this.receive(line), MAX_MESSAGE_BYTES);
    const read = (length: number, buffer: Uint8Array): boolean => {
      if (socket.destroyed) return false;
      try {
        splitter.push(Buffer.from(buffer.buffer, buffer.byteOffset, length));
      } catch (error) {
        // What else the chunk held is lost, so that nobody may believe to have seen everything.
        socket.destroy();
        throw error;
      }
      if (!this.welcome.isSettled && socket.bytesRead > MAX_WELCOME_BYTES) this.refuse();
      return true;
    };
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: read };
    const socket = net.connect({ path, onread });
    this.socket = socket;
    socket.on('error', (error) => this.giveUp(connectError(error)));
    socket.on('close', () => this.handleClose());
  }

  async greet({ token, version }: RunnerAddress): Promise<void> {
    const hello: ClientHello = { hello: { token, version } };
    this.write(hello);
    await this.welcome.promise;
  }

  /** Ends the wait for the welcome, if there is still one. */
  giveUp(error: RunnerConnectError): void {
    this.welcome.reject(error);
  }

  async subscribe(fromSeq: number, onEvent: (event: SessionEvent) => void): Promise<void> {
    if (this.onEvent) throw new Error('This connection has subscribed already.');
    this.onEvent = onEvent;
    const reply = await this.request({
      id: `subscribe-${randomUUID()}`,
      command: 'subscribe',
      fromSeq,
    });
    if (!reply.ok) throw new Error(reply.error);
  }

  send(command: ActCommand): Promise<RunnerReply> {
    return this.request(command);
  }

  acknowledge(seq: number): void {
    if (this.version < 2 || this.socket.destroyed) return;
    this.write({ id: `applied:${seq}`, command: 'applied', seq });
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.destroy();
  }

  private request(command: RunnerCommand): Promise<RunnerReply> {
    const known = this.waiting.get(command.id);
    if (known) return known.promise;
    const answer = deferred<RunnerReply>();
    if (this.isClosed || this.socket.destroyed) {
      answer.reject(connectionLost());
      return answer.promise;
    }
    this.waiting.set(command.id, answer);
    this.write(command);
    // Its end rejects whatever waits; over another connection the runner may answer again.
    const timer = setTimeout(() => this.socket.destroy(), this.replyMs);
    return answer.promise.finally(() => clearTimeout(timer));
  }

  private write(message: ClientHello | RunnerCommand): void {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }

  private receive(line: string): void {
    if (this.socket.destroyed) return;
    const message = parseRunnerMessage(line);
    if (!message) this.refuse();
    else if ('welcome' in message) {
      const { sessionId, version, seq } = message.welcome;
      if (this.welcome.isSettled || sessionId !== this.sessionId) {
        this.refuse();
        return;
      }
      this.version = version;
      this.lastSeq = seq;
      this.welcome.resolve();
    } else if (!this.welcome.isSettled) this.refuse();
    else if ('event' in message) this.onEvent?.(message.event);
    else {
      this.waiting.get(message.reply)?.resolve(message);
      this.waiting.delete(message.reply);
    }
  }

  /** Whoever this is, nothing that it says counts from here on. */
  private refuse(): void {
    const message = `Whoever listens for session ${this.sessionId} does not speak as its runner does.`;
    this.giveUp(new RunnerConnectError('stranger', message));
    this.socket.destroy();
  }

  private handleClose(): void {
    this.isClosed = true;
    const message =
      'The runner ended the connection: it does not know us, or is of another version.';
    this.giveUp(new RunnerConnectError('refused', message));
    for (const answer of this.waiting.values()) answer.reject(connectionLost());
    this.waiting.clear();
    this.didClose.fire();
    this.didClose.dispose();
  }
}

function connectError(error: Error): RunnerConnectError {
  // Nobody listens any more at a socket that refuses; one that is there but busy (EAGAIN) is alive.
  const isAbsent = ['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].includes(errorCode(error) ?? '');
  const isCut = ['ECONNRESET', 'EPIPE'].includes(errorCode(error) ?? '');
  const reason = isAbsent ? 'absent' : isCut ? 'refused' : 'silent';
  return new RunnerConnectError(reason, `No connection to the runner: ${error.message}`, {
    cause: error,
  });
}

function connectionLost(): RunnerConnectionLostError {
  return new RunnerConnectionLostError('The connection to the session’s runner was lost.');
}
