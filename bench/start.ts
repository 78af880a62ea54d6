import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { deferred } from '../src/base/async';
import { TestCore } from '../test/support/core';
import type { Bench } from './bench';
import { median, percentile } from './measure';
import { greet, promptPlainly } from './plainAcp';
import type { Section } from './report';

const ROUNDS = 30;
const WARM_UP = 3;
const START_BAR = 2.5;
const TASK = 'say hello';

/** How long a person waits for an agent's first word. */
export const startBench: Bench = { name: 'start', run };

async function run(): Promise<Section> {
  const core = await TestCore.open();
  const home = path.join(core.root, 'rehearsal');
  try {
    const [session, bare]: [number[], number[]] = [[], []];
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const [ofSession, ofBare] = [
        await startSession(core),
        await startBare(core.repository, home),
      ];
      if (round < WARM_UP) continue;
      session.push(ofSession);
      bare.push(ofBare);
    }
    return {
      title: 'Start of a session',
      notes: [
        'The rehearsal agent, without a worktree. A session: from the call of `SessionManager.create` until the first word of the agent is part of its record: the checks, its row on disk, the detached runner, the agent, its greeting, its conversation, the prompt, each in the event log and where it counts synced. Bare: the same program, started by `spawn` and spoken to by hand until its first word comes. The end of each is not counted.',
      ],
      rows: [
        {
          what: 'start until the first word, p50',
          measured: median(session),
          beside: { what: 'bare spawn, p50', value: median(bare) },
          bar: START_BAR,
        },
        {
          what: 'start until the first word, p90',
          measured: percentile(session, 0.9),
          beside: { what: 'bare spawn, p90', value: percentile(bare, 0.9) },
        },
      ],
    };
  } finally {
    await core.dispose();
  }
}

/** @returns the time until its first word, in microseconds; it has ended by then, too */
async function startSession(core: TestCore): Promise<number> {
  const startedMs = performance.now();
  const spoken = deferred<number>();
  const subscription = core.manager.onDidApply(({ events }) => {
    if (events.some(({ type }) => type === 'text')) spoken.resolve(performance.now() - startedMs);
  });
  const { id, started } = await core.manager.create({
    task: TASK,
    agentType: 'rehearsal',
    useWorktree: false,
    folder: core.repository,
  });
  const ms = await spoken.promise;
  subscription.dispose();
  await started;
  await core.manager.stop(id);
  return ms * 1_000;
}

/** As {@link startSession}, for the agent alone. */
async function startBare(cwd: string, home: string): Promise<number> {
  const startedMs = performance.now();
  const spoken = deferred<number>();
  const agent = spawn(process.execPath, [path.resolve('dist/rehearsal.js')], {
    cwd,
    env: { ...process.env, DEPUTY_REHEARSAL_HOME: home },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(agent, 'close');
  const turn = promptPlainly(await greet(agent, cwd), TASK, (line) => {
    if (line.includes('agent_message_chunk')) spoken.resolve(performance.now() - startedMs);
    return undefined;
  });
  const ms = await spoken.promise;
  await turn;
  agent.stdin.end();
  await closed;
  return ms * 1_000;
}
