import assert from 'node:assert/strict';
import { signal } from '../../src/base/processTree';
import type { ExitReason, StopIntent } from '../../src/domain/events';
import { assertContiguous, RunnerStage, type EventTap } from '../support/runnerStage';

describe('stopping a session', () => {
  let stage: RunnerStage;

  afterEach(() => stage.dispose());

  /** Stops it and asserts that, at the exit event, only the runner is left, and soon not even that. */
  const stop = async (
    tap: EventTap,
    reason: ExitReason = 'stopped',
    intent: StopIntent = 'stop',
  ): Promise<void> => {
    const reply = await tap.connection.send({ id: 'stop-1', command: 'stop', intent });
    assert.ok(reply.ok);
    const exit = await tap.next('exit');
    assert.equal(exit.reason, reason);
    assert.deepEqual(await stage.livingAgents(), []);
    await tap.closed();
    assert.deepEqual(await stage.recorded(), tap.events);
    assertContiguous(tap.events);
    await stage.whenGone();
  };

  it('ends an agent that waits for a prompt, without force', async () => {
    stage = await RunnerStage.make();
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    await stop(tap);
    assert.equal((await tap.next('exit')).code, 0);
    assert.equal((await tap.next('stop-requested')).intent, 'stop');
  });

  it('cancels the turn first', async () => {
    stage = await RunnerStage.make('normal', { task: 'wait' });
    const tap = await stage.start();
    await tap.next('text');
    await stop(tap);
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'cancelled');
  });

  it('goes on when the turn does not end', async () => {
    stage = await RunnerStage.make('normal', { task: 'hang', graceMs: 200 });
    const tap = await stage.start();
    await tap.next('text');
    await stop(tap);
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'cancelled');
  });

  it('kills an agent that ignores the end of its input and SIGTERM', async () => {
    stage = await RunnerStage.make('stubborn', { graceMs: 200 });
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    await stop(tap);
    assert.equal((await tap.next('exit')).signal, 'SIGKILL');
  });

  it('kills what the agent has started in a session of its own', async () => {
    stage = await RunnerStage.make('normal', { task: 'detach', graceMs: 200 });
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    const child = Number(tap.textAfter(0));
    assert.ok((await stage.livingAgents()).some((info) => info.pid === child));
    await stop(tap);
  });

  it('kills what an agent leaves behind that ended by itself', async () => {
    stage = await RunnerStage.make('normal', { task: 'desert', graceMs: 200 });
    const tap = await stage.start();
    const exit = await tap.next('exit');
    assert.equal(exit.reason, 'completed');
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'error');
    assert.ok(Number(tap.textAfter(0)) > 0);
    assert.deepEqual(await stage.livingAgents(), []);
  });

  it('completes a session that is finished', async () => {
    stage = await RunnerStage.make();
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    await stop(tap, 'completed', 'finish');
  });

  it('hears a stop while the agent gets ready', async () => {
    stage = await RunnerStage.make('silent', { graceMs: 200 });
    const tap = await stage.start();
    await tap.next('agent-started');
    await stop(tap);
  });

  it('joins a second stop, which hurries but does not change the reason', async () => {
    stage = await RunnerStage.make('normal', { task: 'hang', graceMs: 15_000 });
    const tap = await stage.start();
    await tap.next('text');
    const { connection } = tap;
    assert.ok((await connection.send({ id: 's1', command: 'stop', intent: 'finish' })).ok);
    assert.ok((await connection.send({ id: 's1', command: 'stop', intent: 'finish' })).ok);
    assert.ok((await connection.send({ id: 's2', command: 'stop', intent: 'stop' })).ok);
    const prompt = await connection.send({ id: 'p', command: 'prompt', text: 'echo no' });
    assert.ok(!prompt.ok && prompt.error.includes('ending'));
    assert.equal((await tap.next('exit')).reason, 'completed');
    assert.equal(tap.events.filter((event) => event.type === 'stop-requested').length, 1);
  });

  if (process.platform !== 'win32') {
    it('happens as well when the runner is told to end, and SIGHUP is no such thing', async () => {
      stage = await RunnerStage.make();
      const tap = await stage.start();
      await tap.turnEnd('task-1');
      signal(stage.runnerPid, 'SIGHUP');
      assert.equal(await tap.say('second', 'echo alive'), 'alive');
      signal(stage.runnerPid, 'SIGTERM');
      assert.equal((await tap.next('exit')).reason, 'stopped');
      await stage.whenGone();
    });
  }
});
