import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { silentLogger } from '../../src/base/log';
import { Assigner } from '../../src/routing/assigner';
import { Backlog, type Coordination } from '../../src/routing/backlog';
import { HandoffBook } from '../../src/routing/handoffBook';
import type { RoutingParts } from '../../src/routing/parts';
import { openStore } from '../support/stores';
import { Passage } from './passage';
import type { World } from './world';

/** More leads than there are. */
const ALL_LEADS = 100;

/** Two copies of the same state are coordinated alike, whatever the ids of new sessions are. */
export async function checkCopies(world: World): Promise<void> {
  const known = new Set(world.host.store.sessions.list().map(({ id }) => id));
  const now = world.time.clock();
  const [one, other] = await Promise.all(
    ['one', 'other'].map(async (name) => {
      const folder = path.join(world.folder, name);
      await fs.cp(path.join(world.folder, 'home'), folder, { recursive: true });
      return namedAlike(await coordinateIn(world, folder, now), known);
    }),
  );
  assert.equal(one, other);
}

async function coordinateIn(world: World, folder: string, start: number): Promise<Coordination> {
  const store = await openStore(folder);
  let now = start;
  const clock = (): number => ++now;
  const passage = new Passage(world.random, world.busy);
  const { manager } = world.host;
  const parts: RoutingParts = {
    store,
    book: new HandoffBook(store, clock),
    agents: world.places.agents(passage),
    git: world.places.git(passage),
    team: {
      startSoon: () => Promise.resolve(),
      isFollowing: (id) => manager.isFollowing(id),
      isGiving: () => false,
    },
    limits: () => world.limits,
    clock,
    log: silentLogger,
  };
  try {
    return await new Backlog(parts, new Assigner(parts)).coordinate(ALL_LEADS);
  } finally {
    await store.close();
  }
}

/** As text, with new sessions named in the order in which they appear. */
function namedAlike(coordination: Coordination, known: ReadonlySet<string>): string {
  const names = new Map<string, string>();
  return JSON.stringify(coordination, (key, value: unknown) => {
    if (key !== 'sessionId' || typeof value !== 'string' || known.has(value)) return value;
    const name = names.get(value) ?? `new ${names.size + 1}`;
    names.set(value, name);
    return name;
  });
}
