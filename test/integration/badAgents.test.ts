import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { identify } from '../../src/base/processes/list';
import { BadAgentCore, type End } from '../support/badAgents';

const STARTED_TOO_LATE: End = {
  state: 'failed',
  ending: 'start-failed',
  reason: /was not ready within 1 s\. Run it in a terminal/,
};

describe('a session of an agent', () => {
  let core: BadAgentCore;

  const open = async (name: string): Promise<void> => {
    core = await BadAgentCore.of(name);
  };
  afterEach(() => core.dispose());

  for (const name of ['garbage', 'halfLine', 'neverAnswers']) {
    it(`that never becomes ready (${name}) has failed, and says what to do`, async () => {
      await open(name);
      core.times.startTimeoutMs = 1_000;
      await core.assertEnded(await core.begin(name), STARTED_TOO_LATE);
    });
  }

  it('that prints garbage among its answers is idle, with all that it said', async () => {
    await open('garbageBetween');
    const id = await core.begin('garbageBetween');
    const session = await core.turnEnd(id);
    assert.equal(session.state, 'idle');
    assert.equal(session.reason, undefined);
    assert.equal(await core.said(id), 'before after');
    const noise = await core.noise(id);
    assert.ok(noise.includes('[]') && noise.includes('"text"'), noise.join('\n'));
  });

  it('that ends after half a line in its turn has completed, the turn failed', async () => {
    await open('halfLine later');
    const id = await core.begin('halfLine later');
    // Exit code 0 is the agent's own word for an end as it should be.
    await core.assertEnded(id, { state: 'completed', ending: 'completed', reason: undefined });
    const turn = (await core.eventsOf(id)).find((event) => event.type === 'turn-ended');
    assert.equal(turn?.error, 'The agent ended before its turn was over.');
    assert.ok((await core.noise(id)).some((line) => line.endsWith('"stopRe')));
  });

  it('that begins with a banner is idle, and the banner is in its output', async () => {
    await open('banner');
    const id = await core.begin('banner');
    assert.equal((await core.turnEnd(id)).state, 'idle');
    assert.equal(await core.said(id), 'hello');
    assert.ok((await core.noise(id)).some((line) => line.includes('Welcome to Agent 9!')));
  });

  it('that dies in its turn has failed, with its exit code and last words', async () => {
    await open('diesMidTurn');
    const failed = { state: 'failed', ending: 'failed' } as const;
    const reason = /ended unexpectedly \(exit code 5\)\. Its last message: out of memory/;
    await core.assertEnded(await core.begin('diesMidTurn', '5'), { ...failed, reason });
  });

  it('that is killed in its turn has failed as killed, with the signal', async () => {
    await open('diesMidTurn');
    const failed = { state: 'failed', ending: 'killed' } as const;
    const reason = /ended unexpectedly \(signal SIGKILL\)\. Its last message: out of memory/;
    await core.assertEnded(await core.begin('diesMidTurn', 'killed'), { ...failed, reason });
  });

  it('that forks and exits at once has failed, and the fork is gone', async () => {
    await open('forksAndExits at-once');
    await core.assertEnded(await core.begin('forksAndExits at-once'), {
      state: 'failed',
      ending: 'start-failed',
      reason: /ended \(exit code 0\) before it was ready/,
    });
  });

  it('that forks and exits in its turn has completed, and the fork is gone', async () => {
    await open('forksAndExits');
    const completed = { state: 'completed', ending: 'completed', reason: undefined } as const;
    await core.assertEnded(await core.begin('forksAndExits'), completed);
  });

  it('that ignores every signal is idle, and stopped when it is told to stop', async () => {
    await open('ignoresSignals');
    core.times.graceMs = 200;
    const id = await core.begin('ignoresSignals');
    assert.equal((await core.turnEnd(id)).state, 'idle');
    await core.manager.stop(id);
    await core.assertEnded(id, { state: 'stopped', ending: 'stopped', reason: undefined });
  });

  it('that answers with unknown kinds is idle, and says which end it did not know', async () => {
    await open('unknownKinds');
    const id = await core.begin('unknownKinds');
    const session = await core.turnEnd(id);
    assert.equal(session.state, 'idle');
    assert.match(session.reason ?? '', /unknown stop reason: bored/);
    assert.deepEqual(session.requests, []);
    assert.equal(await core.said(id), '');
    const [call] = (await core.eventsOf(id)).filter((event) => event.type === 'tool-call');
    assert.deepEqual([call?.kind, call?.status], ['teleport', 'pending']);
    assert.ok((await core.noise(id)).some((line) => line.includes('none of its options')));
  });

  it('that claims another conversation is idle, and has said only what is its own', async () => {
    await open('otherSession');
    const id = await core.begin('otherSession');
    const session = await core.turnEnd(id);
    assert.equal(session.state, 'idle');
    assert.deepEqual(session.requests, []);
    assert.equal(await core.said(id), 'own');
    const told = (await core.noise(id)).filter((line) => line.includes('conversation-2'));
    assert.equal(told.length, 1);
    assert.ok((await core.eventsOf(id)).every((event) => event.type !== 'permission-requested'));
  });

  it('that floods without end is running, costs its runner no memory, and can be stopped', async () => {
    await open('floods');
    const id = await core.begin('floods');
    await core.heard(id, (event) => event.type === 'tool-call' && event.seq > 10_000);
    assert.equal(core.manager.resolve(id).state, 'running');
    if (process.platform === 'linux') {
      const runner = (await core.eventsOf(id)).find((event) => event.type === 'runner-started');
      const status = await fs.readFile(`/proc/${runner?.pid}/status`, 'utf8');
      const peakMb = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
      assert.ok(peakMb < 200, `${peakMb} MB at most`);
    }
    await core.manager.stop(id);
    await core.assertEnded(id, { state: 'stopped', ending: 'stopped', reason: undefined });
  });
});

describe('stopping leaves nothing alive of an agent', () => {
  let core: BadAgentCore;
  afterEach(() => core.dispose());

  /** Starts it, waits for its turn, stops it, and looks for what is left. */
  const stop = async (name: string): Promise<void> => {
    core = await BadAgentCore.of(name);
    core.times.graceMs = 200;
    const id = await core.begin(name);
    assert.equal((await core.turnEnd(id)).state, 'idle');
    const tool = await core.said(id);
    if (/^\d+$/.test(tool)) assert.ok(await isRunning(tool), `tool ${tool} is there`);
    await core.manager.stop(id);
    await core.assertEnded(id, { state: 'stopped', ending: 'stopped', reason: undefined });
    // Not by the marker: one of them has dropped it.
    if (/^\d+$/.test(tool)) assert.ok(!(await isRunning(tool)), `tool ${tool} is left`);
  };

  it('that ignores SIGTERM', () => stop('ignoresSignals'));
  it('that never exits at the end of its input', () => stop('neverEnds'));
  it('whose tool runs in a session of its own', () => stop('ownSession'));
  it('that forks twice', () => stop('doubleForks'));
  it('whose tool forks twice and has dropped its environment', () => stop('dropsMarker'));
});

/** Not by a signal: what nobody has taken note of yet is gone all the same. */
async function isRunning(pid: string): Promise<boolean> {
  const info = await identify(Number(pid));
  return info !== undefined && !info.isZombie;
}
