import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { Tables } from '../src/store/tables';
import type { Bench, BenchContext } from './bench';
import { endOfTurn, newMessage } from './changes';
import { openBetter } from './engines';
import { buildImage, fillingOf, MB } from './fixtures';
import { interleaveAsync, median, type Rounds } from './measure';
import type { Row, Section } from './report';
import { makeStoreFolder, openWithoutCheckpoints } from './storeFolder';

const SIZES_MB = [1, 10, 100] as const;
const QUERIED_MB = 10;
/** Transactions in the journal that is replayed. */
const JOURNALED = 500;
const ROUNDS: Rounds = { rounds: 15, warmUp: 2 };

/** How long it takes until the state is there. */
export const openBench: Bench = { name: 'open', run };

async function run(context: BenchContext): Promise<Section> {
  const rows: Row[] = [];
  for (const size of SIZES_MB) {
    const image = buildImage(context.sql, fillingOf(size * MB));
    const original = path.join(context.folder, `original-${size}`);
    await makeStoreFolder(original, image);
    const store = await openWithoutCheckpoints(original);
    for (let n = 0; n < JOURNALED; n++) {
      store.mutate(() => (n % 2 === 0 ? endOfTurn : newMessage)(store, n));
    }
    await store.close();
    const file = path.join(context.folder, `original-${size}.sqlite`);
    await fs.writeFile(file, image);
    rows.push(...(await measure(context, size, original, file)));
  }
  return {
    title: 'Opening',
    notes: [
      `p50 of \`DurableStore.open\` (snapshot, and a journal of ${JOURNALED} transactions), from files in the system's cache. First queries: the list of the 300 sessions, the links of all handoffs, and the unread counts. better-sqlite3 opens a plain file of the same rows, reads pages when it needs them, and has no journal to replay.`,
    ],
    rows,
  };
}

async function measure(
  { sql, better, folder }: BenchContext,
  size: number,
  original: string,
  file: string,
): Promise<Row[]> {
  const opening: number[] = [];
  const copy = path.join(folder, 'copy');
  const isQueried = size === QUERIED_MB;
  const both: Record<'store' | 'better', number[]> = { store: [], better: [] };
  await interleaveAsync(
    {
      store: async () => {
        await fs.cp(original, copy, { recursive: true });
        const startedMs = performance.now();
        const store = await openWithoutCheckpoints(copy);
        opening.push((performance.now() - startedMs) * 1_000);
        firstQueries(store);
        both.store.push((performance.now() - startedMs) * 1_000);
        await store.close();
        await fs.rm(copy, { recursive: true });
      },
      better: async () => {
        if (!better || !isQueried) return;
        const startedMs = performance.now();
        const engine = openBetter(better, sql, file, 'NORMAL');
        firstQueries(engine.tables);
        both.better.push((performance.now() - startedMs) * 1_000);
        engine.close();
      },
    },
    ROUNDS,
  );
  const counted = (samples: readonly number[]): number => median(samples.slice(ROUNDS.warmUp));
  const rows: Row[] = [{ what: `open, ${size} MB`, measured: counted(opening) }];
  if (isQueried) {
    const us = both.better.length > 0 ? counted(both.better) : undefined;
    rows.push({
      what: `open and first queries, ${size} MB`,
      measured: counted(both.store),
      beside: { what: 'better-sqlite3', value: us },
    });
  }
  return rows;
}

function firstQueries({
  sessions,
  handoffs,
  messages,
}: Pick<Tables, 'sessions' | 'handoffs' | 'messages'>): void {
  sessions.list();
  handoffs.links();
  messages.unreadCounts();
}
