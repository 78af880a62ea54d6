import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { TestCore } from '../test/support/core';
import type { Bench } from './bench';
import { memoryOf } from './processMemory';
import type { Section } from './report';

const MEMORY_BAR = 1.6;
const SETTLE = 'global.gc?.(); process.stdout.write("up"); setInterval(() => {}, 1 << 30);';

/** What a session costs while its agent waits. */
export const runnerMemoryBench: Bench = { name: 'runner-memory', run };

async function run(): Promise<Section> {
  const core = await TestCore.open();
  const bare = spawn(process.execPath, ['-e', SETTLE], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(bare.stdout, 'data');
    const id = await core.start('say hello');
    await core.until(id, ({ state }) => state === 'idle');
    const runnerPid = await runnerOf(core, id);
    const [runner, node] = [await memoryOf(runnerPid), await memoryOf(bare.pid ?? 0)];
    return {
      title: 'Memory of an idle runner',
      notes: [
        'Of a runner whose agent has had one turn and waits, beside a Node process that waits for a timer, from `/proc/<pid>/smaps_rollup`. RSS counts what a process has in memory; PSS divides what it shares with others (most of Node itself) by their number. Not available on other systems than Linux.',
      ],
      rows: (['rss', 'pss'] as const).map((kind) => ({
        what: `idle runner, ${kind.toUpperCase()}`,
        unit: 'bytes',
        measured: runner?.[kind],
        beside: { what: 'a bare Node process', value: node?.[kind] },
        ...(kind === 'rss' ? { bar: MEMORY_BAR } : {}),
      })),
    };
  } finally {
    bare.kill();
    await core.dispose();
  }
}

async function runnerOf(core: TestCore, id: string): Promise<number> {
  for await (const event of core.manager.events(id)) {
    if (event.type === 'runner-started') return event.pid;
  }
  throw new Error('The runner has not reported itself.');
}
