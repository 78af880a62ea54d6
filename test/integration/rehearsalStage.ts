import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { RehearsalClient } from './rehearsalClient';

/** Where a test of the rehearsal agent plays: folders of its own, and the agents that it started. */
export class RehearsalStage {
  /** Temporary folder that holds the other two. */
  root = '';
  /** The folder that conversations work in. */
  cwd = '';
  /** Where the agents keep their conversations. */
  home = '';

  private clients: RehearsalClient[] = [];

  /** Sets the stage before each test of the suite that this is called in, and clears it after. */
  static forEachTest(): RehearsalStage {
    const stage = new RehearsalStage();
    beforeEach(async () => stage.open());
    afterEach(async () => stage.close());
    return stage;
  }

  /** Starts an agent. */
  async start(): Promise<RehearsalClient> {
    const client = await RehearsalClient.start(this.home);
    this.clients.push(client);
    return client;
  }

  /** Starts an agent and a conversation, and acts out one script to its end. */
  async act(...lines: string[]): Promise<RehearsalClient> {
    const client = await this.start();
    const answer = await client.prompt(await client.begin(this.cwd), ...lines);
    assert.deepEqual(answer, { stopReason: 'end_turn' });
    return client;
  }

  private async open(): Promise<void> {
    const temporary = await fs.mkdtemp(path.join(os.tmpdir(), 'deputy-rehearsal-'));
    this.root = await fs.realpath(temporary);
    this.cwd = path.join(this.root, 'work');
    this.home = path.join(this.root, 'home');
    await fs.mkdir(this.cwd);
  }

  private async close(): Promise<void> {
    await Promise.all(this.clients.map(async (client) => client.dispose()));
    this.clients = [];
    await fs.rm(this.root, { recursive: true, force: true });
  }
}

/** Processes that hold a connection to a server of the test as long as they live. */
export interface Lives {
  readonly address: string;
  /** Settles when so many have connected. */
  connected(count: number): Promise<void>;
  /** Settles when all that have connected are gone; takes no more of them. */
  allGone(): Promise<void>;
}

/** Listens for the connections of processes whose end is to be seen. */
export async function listenForLives(address: string): Promise<Lives> {
  const closed: Promise<void>[] = [];
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined).resume();
    closed.push(new Promise((resolve) => socket.once('close', () => resolve())));
    server.emit('counted');
  });
  await new Promise<void>((resolve) => server.listen(address, resolve));
  return {
    address,
    connected: async (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (closed.length >= count) resolve();
        };
        server.on('counted', check);
        check();
      }),
    allGone: async () => {
      await Promise.all(closed);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
