import * as path from 'node:path';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { delay } from '../src/base/async';
import type { DurableStore } from '../src/store/durableStore';
import type { Bench, BenchContext } from './bench';
import { endOfTurn } from './changes';
import { buildImage, fillingOf, MB } from './fixtures';
import { median, percentile } from './measure';
import type { Row, Section } from './report';
import { makeStoreFolder, openWithoutCheckpoints } from './storeFolder';

const ROUNDS = 16;
/** The stream of changes: one each time a timer of so many milliseconds fires. */
const TICK_MS = 1;
const PAUSE_BAR = 2;

/** How much the editor's event loop notices of a checkpoint. */
export const pauseBench: Bench = { name: 'pauses', run };

async function run({ sql, folder }: BenchContext): Promise<Section> {
  await makeStoreFolder(folder, buildImage(sql, fillingOf(100 * MB)));
  const store = await openWithoutCheckpoints(folder);
  const pauses = { quiet: [], checkpoint: [], burning: [] } as Record<string, number[]>;
  const durations: number[] = [];
  try {
    const stream = new Stream(store);
    await stream.during(delay(500));
    for (let round = 0; round <= ROUNDS; round++) {
      const startedMs = performance.now();
      const checkpoint = await stream.during(store.makeSnapshot());
      const ms = performance.now() - startedMs;
      const burning = await stream.during(burn(ms));
      const quiet = await stream.during(delay(ms));
      // The first round loads the worker's code and grows the memory.
      if (round === 0) continue;
      durations.push(ms * 1_000);
      pauses['checkpoint']?.push(...checkpoint);
      pauses['burning']?.push(...burning);
      pauses['quiet']?.push(...quiet);
    }
  } finally {
    await store.close();
  }
  return section(pauses, durations);
}

function section(pauses: Record<string, number[]>, durations: number[]): Section {
  const of = (name: string, share: number): number => percentile(pauses[name] ?? [], share);
  const row = (label: string, share: number, bar?: number): Row => ({
    what: `pause ${label} during a checkpoint`,
    measured: of('checkpoint', share),
    beside: { what: 'beside a burning worker', value: of('burning', share) },
    ...(bar === undefined ? {} : { bar }),
  });
  return {
    title: 'Pauses of the main thread',
    notes: [
      `A store of 100 MB gets one change each time a timer of ${TICK_MS} ms fires; a pause is the time from one tick to the next, beyond that millisecond. In turns, ${ROUNDS} times: during \`makeSnapshot()\`, as long beside a worker thread that only uses a core, and as long in quiet.`,
      'Where other programs keep the cores busy, both sides mostly measure the scheduler, and the ratio says little: only a quiet machine decides this bar.',
    ],
    rows: [
      row('p50', 0.5),
      row('p99', 0.99, PAUSE_BAR),
      row('p99.9', 0.999),
      row('maximum', 1),
      { what: 'pause p99 in quiet', measured: of('quiet', 0.99) },
      { what: 'duration of a checkpoint, p50', measured: median(durations) },
    ],
  };
}

/** Changes that come steadily, and how late they came. */
class Stream {
  private count = 0;

  constructor(private readonly store: DurableStore) {}

  /** Pauses in microseconds while `work` was under way. */
  async during(work: Promise<unknown>): Promise<number[]> {
    const pauses: number[] = [];
    let isOver = false;
    const end = work.finally(() => (isOver = true));
    await new Promise<void>((resolve) => {
      let beforeMs = performance.now();
      const tick = (): void => {
        const nowMs = performance.now();
        pauses.push((nowMs - beforeMs - TICK_MS) * 1_000);
        beforeMs = nowMs;
        this.store.mutate(() => endOfTurn(this.store, this.count++));
        if (isOver) resolve();
        else setTimeout(tick, TICK_MS);
      };
      setTimeout(tick, TICK_MS);
    });
    await end;
    return pauses;
  }
}

async function burn(ms: number): Promise<void> {
  const worker = new Worker(path.resolve('out/bench/burnWorker.js'), { workerData: { ms } });
  await once(worker, 'exit');
}
