import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as path from 'node:path';
import { deferred, within, type Deferred } from '../base/async';
import { errorCode, UserError } from '../base/errors';
import { ensurePrivateFolder } from '../base/files';
import { checkSocketPath } from '../base/sockets';
import { ClientChannel, type SessionAccess } from './clientChannel';

/** Time in which whoever has started the runner must have subscribed, even if all is over by then. */
const FIRST_CLIENT_MS = 5_000;

/** The runner's local socket. Clients come and go; each has to know the token. */
export class RunnerServer {
  private readonly channels = new Set<ClientChannel>();
  private readonly firstSubscription: Deferred<void> = deferred();

  private constructor(
    private readonly server: net.Server,
    private readonly address: string,
    session: SessionAccess,
  ) {
    server.on('connection', (socket) => {
      const channel = new ClientChannel(socket, session, () => this.firstSubscription.resolve());
      this.channels.add(channel);
      void channel.closed.then(() => this.channels.delete(channel));
    });
    // Errors of accepting (too many open files) concern one client, not the session.
    server.on('error', () => undefined);
  }

  /**
   * Starts to listen.
   * @param address path of a Unix socket in a private folder, or a named pipe
   * @throws {UserError} when somebody listens there already, or the path is too long
   */
  static async listen(address: string, session: SessionAccess): Promise<RunnerServer> {
    const isFile = process.platform !== 'win32';
    if (isFile) {
      checkSocketPath(address);
      await ensurePrivateFolder(path.dirname(address));
      await removeDeadSocket(address);
    }
    const server = net.createServer();
    const runnerServer = new RunnerServer(server, address, session);
    server.listen(address);
    await once(server, 'listening');
    if (isFile) await fs.chmod(address, 0o600);
    return runnerServer;
  }

  /**
   * Lets every client take the last events, ends the connections and removes the socket. While there
   * never was a subscriber, one is given some seconds to come: an agent that cannot be started has
   * ended before anybody could connect.
   */
  async close(): Promise<void> {
    await within(this.firstSubscription.promise, FIRST_CLIENT_MS, undefined);
    this.server.close();
    await Promise.all([...this.channels].map((channel) => channel.end()));
    if (process.platform !== 'win32') await fs.rm(this.address, { force: true });
  }
}

/** @throws {UserError} when somebody listens there */
async function removeDeadSocket(address: string): Promise<void> {
  const socket = net.connect(address);
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (errorCode(error) === 'ECONNREFUSED') await fs.rm(address, { force: true });
    else if (errorCode(error) !== 'ENOENT') throw error;
    return;
  } finally {
    socket.destroy();
  }
  throw new UserError(`Another runner listens at ${address}.`);
}
