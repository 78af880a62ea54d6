import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import { LineSplitter } from '../../src/base/lines';

/** Says something back to a line. */
export type Answer = (line: string, say: (text: string) => void, socket: net.Socket) => void;

/** Somebody who listens where a runner is looked for. */
export class Stranger {
  /** All that was said to it. */
  readonly heard: string[] = [];
  private readonly sockets = new Set<net.Socket>();

  private constructor(
    private readonly server: net.Server,
    private readonly answer: Answer,
  ) {
    server.on('connection', (socket) => this.take(socket));
  }

  /** Listens at an address, also where a dead one has left its socket. */
  static async listen(address: string, answer: Answer): Promise<Stranger> {
    if (process.platform !== 'win32') await fs.rm(address, { force: true });
    const server = net.createServer();
    const stranger = new Stranger(server, answer);
    server.listen(address);
    await once(server, 'listening');
    return stranger;
  }

  /** Goes away. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }

  private take(socket: net.Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    const lines = new LineSplitter((line) => {
      this.heard.push(line);
      this.answer(line, (text) => void socket.write(text), socket);
    });
    socket.on('data', (chunk: Buffer) => lines.push(chunk));
  }
}
