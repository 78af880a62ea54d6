import * as path from 'node:path';
import { UserError } from '../../src/base/errors';
import { taskOf } from '../../src/domain/message';
import type { DurableStore } from '../../src/store/durableStore';
import { Random } from '../fault/random';
import { openStore } from '../support/stores';
import { Host } from './host';
import { SimulatedPlaces } from './simulatedPlaces';
import { SimulatedRunners } from './simulatedRunners';
import { SimulatedTime } from './simulatedTime';
import { turns } from './turns';

/** More turns of the event loop than anything needs to come to rest. */
const MAX_TURNS = 20_000;

/** All that one sequence of operations works on: what outlives hosts, and the host of the moment. */
export class World {
  host!: Host;
  readonly time = new SimulatedTime();
  readonly runners = new SimulatedRunners(this.time.clock);
  readonly places = new SimulatedPlaces();
  readonly random: Random;
  /** What is under way outside of hosts, and how much has happened so far. */
  readonly busy = { count: 0, total: 0 };
  /** What nobody expects. */
  readonly defects: string[] = [];
  /** Calls that have not settled. */
  readonly pending = new Set<string>();
  /** Task of each handoff that there has ever been, by its id. */
  readonly tasks = new Map<number, string>();
  /** Tasks that a person took back. */
  readonly withdrawn = new Set<string>();
  /** How often a person has had each task begun again. */
  readonly restarts = new Map<string, number>();
  readonly limits = {
    maxDelegatesPerLead: 2,
    maxRunningTurns: 4,
    maxParallelWorktrees: 50,
    autoDispatchLimitPerSession: 5,
    isAutoDispatching: false,
    heartbeatMs: 300_000,
    sessionTimeoutMs: 1_200_000,
  };
  private nextMessage = 1;
  private nextTask = 1;
  private readonly sessionsSeen = new Set<string>();
  private readonly stores: DurableStore[] = [];
  private life: Promise<void> = Promise.resolve();

  private constructor(
    readonly folder: string,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  static async open(folder: string, seed: number): Promise<World> {
    const world = new World(folder, seed);
    await world.openHost();
    return world;
  }

  /** A task that no other one is called like. */
  newTask(): string {
    return `task-${this.nextTask++}`;
  }

  /** Calls something of the present host. Expected errors are fine, others are defects. */
  call(what: string, work: (host: Host) => unknown): Promise<void> {
    const { host } = this;
    const key = `${what} #${this.busy.total}`;
    this.pending.add(key);
    const run = async (): Promise<void> => {
      try {
        await work(host);
      } catch (error) {
        if (!host.isAlive || error instanceof UserError) return;
        this.defects.push(`${what}: ${error instanceof Error ? String(error.stack) : 'thrown'}`);
      }
    };
    return Promise.race([run(), host.gone]).then(() => {
      this.pending.delete(key);
    });
  }

  /** Has the host die after some turns, and the next one open. */
  crash(afterTurns: number): Promise<void> {
    return this.replace(async (host) => {
      await turns(afterTurns);
      host.kill();
    });
  }

  /** Has the host close in order, and the next one open. */
  close(): Promise<void> {
    return this.replace((host) => host.close());
  }

  /** Settles when nothing goes on by itself any more. */
  async settle(): Promise<void> {
    for (let count = 0; count < MAX_TURNS; count += 4) {
      const { total } = this.busy;
      await turns(4);
      if (this.busy.count === 0 && this.busy.total === total) return;
    }
    throw new Error('It does not come to rest.');
  }

  /** Looks at what a transaction has added. */
  committed(store: DurableStore): void {
    for (;;) {
      const message = store.messages.get(this.nextMessage);
      if (!message) break;
      this.nextMessage += 1;
      if (message.body?.type === 'task_handoff') {
        this.tasks.set(message.id, taskOf(message.content).task);
      }
    }
    for (const id of store.sessions.pendingIds()) {
      if (this.sessionsSeen.has(id)) continue;
      this.sessionsSeen.add(id);
      this.checkTeamOf(store, id);
    }
  }

  async dispose(): Promise<void> {
    await this.life;
    if (this.host.isAlive) this.host.kill();
    await this.settle();
    for (const store of this.stores) await store.close();
  }

  private replace(end: (host: Host) => Promise<void>): Promise<void> {
    const { host } = this;
    const next = this.life.then(async () => {
      // Another operation of the same batch has replaced it already.
      if (host !== this.host) return;
      await end(host);
      await this.openHost();
    });
    this.life = next;
    return next;
  }

  private async openHost(): Promise<void> {
    const store = await openStore(path.join(this.folder, 'home'), {
      checkpointBytes: Number.MAX_SAFE_INTEGER,
    });
    this.stores.push(store);
    this.host = new Host(this, store);
    this.host.start();
  }

  /** Routing makes no more delegates than a lead may have. */
  private checkTeamOf(store: DurableStore, id: string): void {
    const session = store.sessions.get(id);
    if (session?.initialHandoffId === undefined) return;
    const lead = store.handoffs.get(session.initialHandoffId)?.from ?? '';
    const count = store.sessions.delegatesOf(lead, session.agentType).length;
    if (count > this.limits.maxDelegatesPerLead) {
      this.defects.push(`${lead} was given ${count} delegates of type ${session.agentType}`);
    }
  }
}
