import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { AgentDefinition } from '../src/domain/agent';
import { OutputText } from '../src/editor/outputText';
import { PacedText } from '../src/editor/pacedText';
import { TestCore } from '../test/support/core';
import type { Bench, BenchContext } from './bench';
import { memoryOf } from './processMemory';
import type { Section } from './report';

const SESSIONS = 8;
/** Text of each session. */
const BYTES = Number(process.env['DEPUTY_BENCH_FLOOD_MB'] ?? 20) * 2 ** 20;
const AGENT = [path.resolve('out/bench/floodAgent.js'), String(BYTES)];
const SPEED_FLOOR = 0.5;
const DELAY_BAR = 3;
/** How often the event loop is looked at, in milliseconds; a delay is what is over that. */
const RESOLUTION_MS = 1;
const MEMORY_LOOK_MS = 50;

const FLOODING: AgentDefinition = {
  name: 'flooding',
  description: 'writes as fast as it can',
  protocol: 'acp',
  format: 'plain',
  command: process.execPath,
  args: AGENT,
  env: {},
  howToGet: '',
};

/** What much output of many agents at once does to the editor. */
/** How well the editor bears the output of many agents at once. */
export const floodBench: Bench = { name: 'flood', run };

async function run({ folder }: BenchContext): Promise<Section> {
  const core = await TestCore.open([FLOODING]);
  try {
    const plain = await floodPlainly(folder);
    const ours = await floodSessions(core);
    const besidePlain = (value: number): { what: string; value: number } => ({
      what: '8 plain readers',
      value,
    });
    return {
      title: 'Eight sessions that flood',
      notes: [
        `Each of ${SESSIONS} agents answers a prompt with ${BYTES / 2 ** 20} MB of text in lines of 100 bytes, a line an update, as fast as it is taken. With everything real: runner, event log, socket, manager, the text of the output channel and what of it is shown; until the last turn has ended. Beside it ${SESSIONS} Node programs that read the same from the same agents, and append each line as a JSON line to a file. All have been started before. MB are those of the text.`,
        `Delay: how late a timer of ${RESOLUTION_MS} ms fires in the process that would be the extension host; during the plain readers it only waits for them. Where other programs keep the cores busy, it mostly measures the scheduler.`,
        'Memory: the most that the process took during the flood, over what it took before; and the most that one of the runners took, beside what it took before.',
      ],
      rows: [
        {
          what: 'text of 8 sessions that flood',
          unit: 'bytes/s',
          measured: ours.bytesPerSecond,
          beside: besidePlain(plain.bytesPerSecond),
          floor: SPEED_FLOOR,
        },
        {
          what: 'delay of the event loop meanwhile, p99',
          measured: ours.delayP99Us,
          beside: besidePlain(plain.delayP99Us),
          bar: DELAY_BAR,
        },
        {
          what: 'delay of the event loop meanwhile, maximum',
          measured: ours.delayMaxUs,
          beside: besidePlain(plain.delayMaxUs),
        },
        {
          what: 'processor time of the host for 1 MB',
          measured: ours.cpuUs / ((SESSIONS * BYTES) / 2 ** 20),
        },
        { what: 'growth of the host', unit: 'bytes', measured: ours.growth },
        {
          what: 'a flooding runner, RSS',
          unit: 'bytes',
          measured: ours.runnerPeak,
          beside: { what: 'idle before', value: ours.runnerBefore },
        },
      ],
    };
  } finally {
    await core.dispose();
  }
}

/** What was seen during a flood. */
interface Flood {
  readonly bytesPerSecond: number;
  readonly delayP99Us: number;
  readonly delayMaxUs: number;
  /** Processor time of this process. */
  readonly cpuUs: number;
  /** Most memory over that before, in bytes. */
  readonly growth: number;
}

async function observe(flood: () => Promise<void>): Promise<Flood> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const look = setInterval(
    () => (peak = Math.max(peak, process.memoryUsage.rss())),
    MEMORY_LOOK_MS,
  );
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await flood();
  const seconds = (performance.now() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  clearInterval(look);
  const beyond = (ns: number): number => ns / 1_000 - RESOLUTION_MS * 1_000;
  return {
    bytesPerSecond: (SESSIONS * BYTES) / seconds,
    delayP99Us: beyond(delay.percentile(99)),
    delayMaxUs: beyond(delay.max),
    cpuUs: user + system,
    growth: peak - before,
  };
}

async function floodPlainly(folder: string): Promise<Flood> {
  const program = path.resolve('out/bench/plainReader.js');
  const readers = Array.from({ length: SESSIONS }, (_, n) =>
    spawn(
      process.execPath,
      [program, path.join(folder, `${n}.ndjson`), FLOODING.command, ...AGENT],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    ),
  );
  await Promise.all(readers.map((reader) => once(reader.stdout, 'data')));
  return observe(async () => {
    const exits = readers.map((reader) => once(reader, 'exit'));
    for (const { stdin } of readers) stdin.write('go\n');
    await Promise.all(exits);
  });
}

/** An output channel without a window. */
class Shown {
  /** Text that the channel was to show. */
  chars = 0;
  readonly paced = new PacedText(() => undefined);
  readonly text = new OutputText((text) => {
    this.chars += text.length;
    this.paced.write(text);
  });

  constructor() {
    void this.text.fill(nothing());
  }
}

async function* nothing(): AsyncGenerator<never> {
  // It has no past.
}

interface SessionFlood extends Flood {
  /** Of the runner that took the most. */
  readonly runnerPeak: number | undefined;
  readonly runnerBefore: number | undefined;
}

async function floodSessions(core: TestCore): Promise<SessionFlood> {
  const shown = new Map<string, Shown>();
  const runnerPids: number[] = [];
  const subscription = core.manager.onDidApply(({ sessionId, events }) => {
    let channel = shown.get(sessionId);
    if (!channel) shown.set(sessionId, (channel = new Shown()));
    channel.text.add(events);
    for (const event of events) if (event.type === 'runner-started') runnerPids.push(event.pid);
  });
  const ids: string[] = [];
  for (let n = 0; n < SESSIONS; n++) {
    const { id, started } = await core.manager.create({
      task: 'hello',
      agentType: FLOODING.name,
      useWorktree: false,
      folder: core.repository,
    });
    await started;
    ids.push(id);
    await core.until(id, ({ state }) => state === 'idle');
  }
  const runnerBefore = await mostOf(runnerPids);
  let runnerPeak: number | undefined;
  const flood = await observe(async () => {
    const ends = ids.map(async (id) => {
      await core.manager.sendPrompt(id, 'flood');
      await core.until(id, ({ state }) => state === 'idle');
    });
    await Promise.race(ends);
    runnerPeak = await mostOf(runnerPids);
    await Promise.all(ends);
  });
  subscription.dispose();
  for (const { chars, paced } of shown.values()) {
    paced.dispose();
    assert.ok(chars > BYTES, 'all of it has become text');
  }
  return { ...flood, runnerPeak, runnerBefore };
}

/** Memory of the process that takes the most. */
async function mostOf(pids: readonly number[]): Promise<number | undefined> {
  const all = await Promise.all(pids.map(async (pid) => (await memoryOf(pid))?.rss));
  return all.reduce((a, b) => (a === undefined || b === undefined ? undefined : Math.max(a, b)));
}
