import assert from 'node:assert/strict';
import { RunnerStage, type EventTap } from '../support/runnerStage';

describe('a permission request', () => {
  let stage: RunnerStage;

  afterEach(() => stage.dispose());

  const ask = async (): Promise<EventTap> => {
    stage = await RunnerStage.make('normal', { task: 'ask', graceMs: 500 });
    return stage.start();
  };

  const answer = (tap: EventTap, id: string, requestId: string, optionId: string) =>
    tap.connection.send({ id, command: 'answer', requestId, optionId });

  it('makes a record of the tool, waits, and passes the answer on', async () => {
    const tap = await ask();
    const request = await tap.next('permission-requested');
    assert.equal(request.title, 'Remove everything');
    assert.deepEqual(
      request.options.map((option) => option.kind),
      ['allow_once', 'reject_once'],
    );
    const call = await tap.next('tool-call');
    assert.equal(call.toolCallId, request.toolCallId);
    assert.ok(call.seq < request.seq);
    assert.ok(!(await answer(tap, 'a1', request.requestId, 'perhaps')).ok);
    assert.ok(!(await answer(tap, 'a2', 'another request', 'yes')).ok);
    assert.ok((await answer(tap, 'a3', request.requestId, 'no')).ok);
    assert.ok((await answer(tap, 'a3', request.requestId, 'no')).ok);
    assert.ok(!(await answer(tap, 'a4', request.requestId, 'yes')).ok);
    await tap.turnEnd('task-1');
    assert.equal(tap.textAfter(0), 'no');
    const answers = tap.events.filter((event) => event.type === 'permission-answered');
    assert.deepEqual(
      answers.map((event) => event.optionId),
      ['no'],
    );
  });

  it('is answered "cancelled" when the turn is cancelled', async () => {
    const tap = await ask();
    const { requestId } = await tap.next('permission-requested');
    await tap.connection.send({ id: 'c1', command: 'cancel' });
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'cancelled');
    assert.equal((await tap.next('permission-answered')).optionId, undefined);
    assert.equal(tap.textAfter(0), 'cancelled');
    assert.ok(!(await answer(tap, 'a1', requestId, 'yes')).ok);
  });

  it('is answered "cancelled" when the session is stopped', async () => {
    const tap = await ask();
    await tap.next('permission-requested');
    await tap.connection.send({ id: 's1', command: 'stop', intent: 'stop' });
    assert.equal((await tap.next('exit')).reason, 'stopped');
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'cancelled');
    assert.equal((await tap.next('permission-answered')).optionId, undefined);
    await stage.whenGone();
  });

  it('is settled when the agent dies', async () => {
    const tap = await ask();
    await tap.next('permission-requested');
    const { pid } = await tap.next('agent-started');
    process.kill(pid, 'SIGKILL');
    const exit = await tap.next('exit');
    assert.equal(exit.reason, 'killed');
    assert.equal(exit.signal, 'SIGKILL');
    const answered = await tap.next('permission-answered');
    assert.equal(answered.optionId, undefined);
    assert.ok(answered.seq < (await tap.turnEnd('task-1')).seq);
  });
});

describe('the output of an agent', () => {
  let stage: RunnerStage;

  afterEach(() => stage.dispose());

  it('may begin with lines that are no protocol', async () => {
    stage = await RunnerStage.make('banner');
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    assert.equal(tap.textAfter(0), 'hello');
    const noise = tap.events.filter((event) => event.type === 'stderr').map((event) => event.text);
    assert.deepEqual(noise, [
      'Welcome to the test agent!',
      '{"level":"info"}',
      '{"jsonrpc":"2.0", oops',
      '[1]',
    ]);
  });

  it('may hold lines of 10 MB', async () => {
    stage = await RunnerStage.make('normal', { task: 'long-lines' });
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    assert.equal(tap.textAfter(0).length, 10 * 1024 * 1024);
    const noise = await tap.next('stderr');
    assert.ok(noise.text.length < 5_000 && noise.text.includes('more characters'));
    assert.equal(await tap.say('second', 'echo fine'), 'fine');
  });

  it('may ask for what Deputy does not offer', async () => {
    stage = await RunnerStage.make('normal', { task: 'write-file' });
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    assert.equal(tap.textAfter(0), '-32601');
  });
});
