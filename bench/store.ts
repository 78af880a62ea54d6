import * as fs from 'node:fs';
import * as path from 'node:path';
import type { DurableStore } from '../src/store/durableStore';
import type { Bench, BenchContext } from './bench';
import { endOfTurn, newMessage, type Change } from './changes';
import { openBetter, openMemory, type Engine } from './engines';
import { buildImage, fillingOf, MB } from './fixtures';
import { interleave, interleaveAsync, median, type Rounds, type Samples } from './measure';
import type { Row, Section } from './report';
import { journalBytes, makeStoreFolder, openWithoutCheckpoints } from './storeFolder';

const SIZES_MB = [1, 10, 100] as const;
const CHANGES: readonly (readonly [name: string, change: Change])[] = [
  ['session and turn', endOfTurn],
  ['message', newMessage],
];
/** Until the code is compiled: whatever comes first took a tenth longer after 1,000. */
const ROUNDS: Rounds = { rounds: 3_000, warmUp: 5_000 };
/** Each of them waits for the disk. */
const SYNC_ROUNDS: Rounds = { rounds: 300, warmUp: 30 };
const MEMORY_BAR = 2;
const FLAT_BAR = 1.5;

const NOTES = [
  'p50 of one transaction. "session and turn" updates a session\'s row and puts a turn; "message" inserts one of 600 characters. Durable: `DurableStore.mutate`, which survives the death of the process; with `synced()`, the loss of power. In memory: the same rows code on a bare sql.js database between prepared BEGIN and COMMIT. Checkpoints are off here (see "Pauses").',
  "The append is one `fs.writeSync` of as many bytes as the transaction's record has. better-sqlite3 runs in WAL mode.",
];

/** What it costs to make a change durable. */
export const storeBench: Bench = { name: 'store', run };

async function run(context: BenchContext): Promise<Section> {
  const images = SIZES_MB.map((size) => buildImage(context.sql, fillingOf(size * MB)));
  const rows: Row[] = [];
  for (const [name, change] of CHANGES) {
    for (const [index, image] of images.entries()) {
      const folder = path.join(context.folder, 'one');
      const stage = await Stage.open(context, folder, image, change);
      try {
        rows.push(...(await stage.measure(`${name}, ${SIZES_MB[index] ?? 0} MB`)));
      } finally {
        await stage.close();
      }
    }
  }
  for (const [name, change] of CHANGES) rows.push(await flatness(context, images, name, change));
  return { title: 'Durable changes', notes: NOTES, rows };
}

/** The largest store beside the smallest one, in turns. */
async function flatness(
  { folder }: BenchContext,
  images: readonly Uint8Array[],
  name: string,
  change: Change,
): Promise<Row> {
  const [first, last] = [images.at(0), images.at(-1)].map((image, index) => ({
    image: image ?? new Uint8Array(),
    folder: path.join(folder, `${name}-${index}`),
  }));
  if (!first || !last) throw new Error('There are no sizes.');
  const open = async (it: typeof first): Promise<DurableStore> => {
    await makeStoreFolder(it.folder, it.image);
    return openWithoutCheckpoints(it.folder);
  };
  const [small, large] = [await open(first), await open(last)];
  const { atSmall, atLarge } = interleave(
    {
      atSmall: (round) => small.mutate(() => change(small, round)),
      atLarge: (round) => large.mutate(() => change(large, round)),
    },
    ROUNDS,
  );
  await Promise.all([small.close(), large.close()]);
  return {
    what: `${name}: durable at ${SIZES_MB.at(-1) ?? 0} MB`,
    measured: median(atLarge),
    beside: { what: `at ${SIZES_MB[0]} MB`, value: median(atSmall) },
    bar: FLAT_BAR,
  };
}

/** The contenders for one size and one change. */
class Stage {
  private constructor(
    private readonly change: Change,
    private readonly folder: string,
    private readonly store: DurableStore,
    private readonly memory: Engine,
    private readonly normal: Engine | undefined,
    private readonly full: Engine | undefined,
  ) {}

  static async open(
    { sql, better }: BenchContext,
    folder: string,
    image: Uint8Array,
    change: Change,
  ): Promise<Stage> {
    await makeStoreFolder(folder, image);
    const openFile = (synchronous: 'NORMAL' | 'FULL'): Engine | undefined => {
      if (!better) return undefined;
      const file = path.join(folder, `${synchronous}.sqlite`);
      fs.writeFileSync(file, image);
      return openBetter(better, sql, file, synchronous);
    };
    return new Stage(
      change,
      folder,
      await openWithoutCheckpoints(folder),
      openMemory(sql, image),
      openFile('NORMAL'),
      openFile('FULL'),
    );
  }

  async measure(name: string): Promise<Row[]> {
    const { change, store, memory, normal, full } = this;
    let count = 0;
    const durably = (): void => store.mutate(() => change(store, count++));
    const before = await journalBytes(this.folder);
    durably();
    const record = Buffer.alloc((await journalBytes(this.folder)) - before, 'x');
    const pair = interleave(
      {
        durable: durably,
        inMemory: (round) => memory.mutate(() => change(memory.tables, round)),
      },
      ROUNDS,
    );
    const fd = fs.openSync(path.join(this.folder, 'appended'), 'w');
    const others = interleave(
      {
        durable: durably,
        append: (round) => fs.writeSync(fd, record, 0, record.length, round * record.length),
        better: (round) => normal?.mutate(() => change(normal.tables, round)),
      },
      ROUNDS,
    );
    fs.closeSync(fd);
    const synced = await interleaveAsync(
      {
        durable: async () => {
          durably();
          await store.synced();
        },
        alone: async () => durably(),
        better: async (round) => full?.mutate(() => change(full.tables, round)),
      },
      SYNC_ROUNDS,
    );
    const row = (what: string, us: Samples, other: string, besideUs: Samples | undefined): Row => ({
      what: `${name}: ${what}`,
      measured: median(us),
      beside: { what: other, value: besideUs && median(besideUs) },
    });
    const appended = `append of ${record.length} bytes`;
    return [
      { ...row('durable', pair.durable, 'in memory only', pair.inMemory), bar: MEMORY_BAR },
      row('durable', others.durable, appended, others.append),
      row('durable', others.durable, 'better-sqlite3 NORMAL', normal && others.better),
      row('durable', synced.alone, 'better-sqlite3 FULL', full && synced.better),
      row('durable and synced', synced.durable, 'better-sqlite3 FULL', full && synced.better),
    ];
  }

  async close(): Promise<void> {
    await this.store.close();
    for (const engine of [this.memory, this.normal, this.full]) engine?.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
