import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { SqlJsStatic } from 'sql.js';
import { silentLogger } from '../src/base/log';
import { Assigner } from '../src/routing/assigner';
import { Backlog, type Coordination } from '../src/routing/backlog';
import { HandoffBook } from '../src/routing/handoffBook';
import type { RoutingParts } from '../src/routing/parts';
import type { DurableStore } from '../src/store/durableStore';
import type { Bench, BenchContext } from './bench';
import { imageOf } from './fixtures';
import { interleaveAsync, median, type Rounds } from './measure';
import type { Row, Section } from './report';
import { makeStoreFolder, openWithoutCheckpoints } from './storeFolder';
import { Straightforward, type Bounds, type Tally } from './straightforward';
import { DELEGATES, fillTeams, QUEUED } from './teams';

const FEW = 10;
const MANY = 200;
/** So many passes with few leads are as much work as one with many, and meet as much of other programs. */
const PASSES = MANY / FEW;
const ROUNDS: Rounds = { rounds: 20, warmUp: 4 };
/** For what reads all sessions again and again: with many it takes minutes, so that is done once. */
const SLOW_ROUNDS = 5;
const FLAT_BAR = 1.5;
const BOUNDS: Bounds = { capacity: DELEGATES, perLead: Infinity, moves: 5 };

const NOTES = [
  `One \`Backlog.coordinate\` over all leads, each with ${DELEGATES} delegates (idle, busy, crowded, ended) and ${QUEUED} queued handoffs in its inbox or at a delegate, on the real store, whose journal is written; starts and deliveries are held. Of a team's ${QUEUED}, about half are routed, some moved, the others deferred. Each pass gets a fresh store; p50 over the rounds, in each of which ${PASSES} passes with ${FEW} leads count as one sample: both sides have ${MANY * QUEUED} handoffs then, and meet as much of other programs.`,
  `"Per handoff": the time of the pass by the number of handoffs that were queued before it, each of which it decides about (the limit per inbox is lifted, so that none is left out). The teams are the same at ${FEW} and at ${MANY} leads, so what becomes of a handoff is equally likely: by the handoffs that were routed, the ratio would be the same. Where ${FEW} leads have ${MANY * QUEUED} handoffs, most are deferred, which is less work: that row is stated only.`,
  `"Straightforward" is bench/straightforward.ts: the same rules and the same rows written, but each look-up reads all sessions and all counts, as one writes it first. Its outcomes are checked to be the same. p50 of ${SLOW_ROUNDS}, at ${MANY} leads a single pass.`,
];

/** What it costs to route what waits, with few leads and with many. */
export const coordinateBench: Bench = { name: 'coordinate', run };

async function run({ sql, folder }: BenchContext): Promise<Section> {
  const few = new Stage(sql, path.join(folder, 'few'), FEW, 0);
  const many = new Stage(sql, path.join(folder, 'many'), MANY, 0);
  const deep = new Stage(sql, path.join(folder, 'deep'), FEW, (MANY - FEW) * QUEUED);
  await interleaveAsync(
    { few: () => few.pass(PASSES), many: () => many.pass(), deep: () => deep.pass() },
    ROUNDS,
  );
  for (let round = 0; round < SLOW_ROUNDS; round++) await few.passStraightforward();
  await many.passStraightforward();
  const besideFew = { what: few.name, value: few.perHandoff };
  const slow = (stage: Stage): Row => ({
    what: `per handoff, ${stage.name}`,
    measured: stage.perHandoff,
    beside: { what: 'straightforward', value: stage.perHandoffStraightforward },
  });
  return {
    title: 'A coordination pass',
    notes: NOTES,
    rows: [
      {
        what: `per handoff, ${many.name}`,
        measured: many.perHandoff,
        beside: besideFew,
        bar: FLAT_BAR,
      },
      {
        what: `per handoff, ${many.name}`,
        measured: many.perHandoff,
        beside: { what: deep.name, value: deep.perHandoff },
      },
      slow(few),
      slow(many),
      {
        what: `straightforward, per handoff, ${many.name}`,
        measured: many.perHandoffStraightforward,
        beside: { what: few.name, value: few.perHandoffStraightforward },
      },
    ],
  };
}

/** Stores of one size, and what passes over them took. */
class Stage {
  readonly name: string;
  private readonly image: Uint8Array;
  private readonly queued: number;
  /** Microseconds per handoff, as are the others. */
  private readonly samples: number[] = [];
  private readonly slowSamples: number[] = [];
  private tally: Tally | undefined;

  constructor(
    sql: SqlJsStatic,
    private readonly folder: string,
    leads: number,
    moreInInboxes: number,
  ) {
    let queued = 0;
    this.image = imageOf(sql, (tables, statements) => {
      fillTeams(tables, statements, leads, moreInInboxes);
      for (const purpose of ['self', 'team'] as const) {
        for (const count of tables.handoffs.queuedCounts(purpose).values()) queued += count;
      }
    });
    this.queued = queued;
    this.name = `${leads} leads, ${queued} queued`;
  }

  get perHandoff(): number {
    return median(this.samples.slice(ROUNDS.warmUp));
  }

  get perHandoffStraightforward(): number {
    return median(this.slowSamples);
  }

  /** @param times how many passes count as one sample */
  async pass(times = 1): Promise<void> {
    let us = 0;
    for (let i = 0; i < times; i++) {
      us += await this.measure(async (store) =>
        tallyOf(await backlogOf(store).coordinate(Infinity)),
      );
    }
    this.samples.push(us / times);
  }

  async passStraightforward(): Promise<void> {
    const us = await this.measure((store) => {
      const book = new HandoffBook(store, Date.now);
      return Promise.resolve(new Straightforward(store, book, BOUNDS, Date.now).coordinate());
    });
    this.slowSamples.push(us);
  }

  /**
   * Makes one pass over a fresh store; all of them must come to the same.
   * @returns microseconds per handoff
   */
  private async measure(pass: (store: DurableStore) => Promise<Tally>): Promise<number> {
    await makeStoreFolder(this.folder, this.image);
    const store = await openWithoutCheckpoints(this.folder);
    const startedMs = performance.now();
    const tally = await pass(store);
    const us = (performance.now() - startedMs) * 1_000;
    await store.close();
    await fs.rm(this.folder, { recursive: true });
    this.tally ??= tally;
    assert.deepEqual(tally, this.tally);
    return us / this.queued;
  }
}

function backlogOf(store: DurableStore): Backlog {
  const definition = {
    name: 'claude',
    description: '',
    protocol: 'acp',
    format: 'plain',
    command: 'claude',
    args: [],
    env: {},
    howToGet: '',
  } as const;
  const parts: RoutingParts = {
    store,
    book: new HandoffBook(store, Date.now),
    agents: {
      definitions: () => [definition],
      resolve: () => Promise.resolve({ definition, program: '/usr/bin/claude' }),
    },
    git: new NoGit(),
    team: {
      startSoon: () => Promise.resolve(),
      isFollowing: () => true,
      isGiving: () => false,
    },
    limits: () => ({
      maxDelegatesPerLead: BOUNDS.capacity,
      autoDispatchLimitPerSession: BOUNDS.perLead,
    }),
    clock: Date.now,
    log: silentLogger,
  };
  return new Backlog(parts, new Assigner(parts));
}

/** The leads know their repository, so routing alone asks git for nothing. */
class NoGit implements Record<keyof RoutingParts['git'], () => Promise<never>> {
  inspect = refuse;
  addWorktree = refuse;
  removeWorktree = refuse;
  countUncommittedFiles = refuse;
  countChangedFiles = refuse;
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('A pass asked git for something.'));
}

function tallyOf({ dispatched, rebalanced, remaining }: Coordination): Tally {
  const actions: Record<string, number> = {};
  const count = (action: string): void => {
    actions[action] = (actions[action] ?? 0) + 1;
  };
  for (const { outcomes, error } of dispatched) {
    assert.equal(error, undefined);
    for (const outcome of outcomes) {
      assert.equal(outcome.error, undefined);
      count(outcome.action ?? 'failed');
    }
  }
  for (const { moves, error } of rebalanced) {
    assert.equal(error, undefined);
    for (let i = 0; i < moves.length; i++) count('moved');
  }
  return { actions, remaining };
}
