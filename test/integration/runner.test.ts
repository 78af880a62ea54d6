import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { connectRunner, RunnerConnectError } from '../../src/agents/runnerClient';
import { exists } from '../../src/base/files';
import { LAUNCH_FILE } from '../../src/domain/runnerProtocol';
import { assertContiguous, RunnerStage } from '../support/runnerStage';

describe('a runner', () => {
  let stage: RunnerStage;

  afterEach(() => stage.dispose());

  it('starts the agent, gives it the task and reports the turn in order', async () => {
    stage = await RunnerStage.make();
    const tap = await stage.start();
    const end = await tap.turnEnd('task-1');
    assert.deepEqual(
      tap.events.map((event) => event.type),
      ['runner-started', 'agent-started', 'conversation', 'turn-started', 'text', 'turn-ended'],
    );
    assertContiguous(tap.events);
    assert.equal(end.stopReason, 'end_turn');
    assert.equal(end.tokens, 12);
    assert.equal((await tap.next('conversation')).conversationId, 'conversation-1');
    assert.equal(tap.textAfter(0), 'hello');
    assert.deepEqual(await stage.recorded(), tap.events);
  });

  it('takes the next prompt once the turn has ended', async () => {
    stage = await RunnerStage.make();
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    assert.equal(await tap.say('second', 'echo again'), 'again');
    assert.equal((await tap.turnEnd('second')).tokens, 12);
  });

  it('refuses a prompt while a turn runs', async () => {
    stage = await RunnerStage.make('normal', { task: 'wait' });
    const tap = await stage.start();
    await tap.next('text');
    const reply = await tap.connection.send({ id: 'early', command: 'prompt', text: 'echo no' });
    assert.ok(!reply.ok && reply.error.includes('still working'));
    await tap.connection.send({ id: 'cancel-1', command: 'cancel' });
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'cancelled');
    // A refused command has not acted, so its id may be used again.
    assert.equal(await tap.say('early', 'echo now'), 'now');
  });

  it('acts once on a command that comes again, also over another connection', async () => {
    stage = await RunnerStage.make();
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    const prompt = { id: 'twice', command: 'prompt', text: 'echo once' } as const;
    const other = await stage.connect();
    const replies = await Promise.all([tap.connection.send(prompt), other.send(prompt)]);
    assert.deepEqual(replies, [
      { reply: 'twice', ok: true },
      { reply: 'twice', ok: true },
    ]);
    await tap.turnEnd('twice');
    assert.ok((await tap.connection.send(prompt)).ok);
    assert.ok((await other.send({ id: 'task-1', command: 'prompt', text: 'echo x' })).ok);
    assert.equal(await tap.say('last', 'echo done'), 'done');
    assert.equal(tap.events.filter((event) => event.type === 'turn-started').length, 3);
  });

  it('tells every subscriber the same, however late it comes', async () => {
    stage = await RunnerStage.make('normal', { task: 'flood 2000' });
    const early = await stage.start();
    await early.next('tool-call', (event) => event.toolCallId === 'flood-500');
    const late = await stage.follow();
    const later = await stage.follow(1000);
    await Promise.all([early, late, later].map((tap) => tap.turnEnd('task-1')));
    assertContiguous(early.events);
    assert.deepEqual(late.events, early.events);
    assert.deepEqual(later.events, early.events.slice(999));
  });

  it('knows nobody without the token', async () => {
    stage = await RunnerStage.make();
    await stage.startRunner();
    const { socket, version } = stage.launch;
    await assert.rejects(
      connectRunner({ socket, version, token: 'wrong' }),
      (error) => error instanceof RunnerConnectError && error.reason === 'refused',
    );
    assert.equal((await stage.connect()).sessionId, 'cafe0001');
  });

  it('keeps neither task nor environment in the launch file, and its files to the user', async () => {
    stage = await RunnerStage.make('normal', {
      env: { SECRET_KEY: 'swordfish' },
      task: 'environment SECRET_KEY',
    });
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    assert.equal(tap.textAfter(0), 'swordfish');
    const file = path.join(stage.sessionFolder, LAUNCH_FILE);
    const launch = await fs.readFile(file, 'utf8');
    const { runnerPid } = stage;
    assert.equal(launch, JSON.stringify({ ...stage.launch, env: {}, task: '', runnerPid }));
    if (process.platform === 'win32') return;
    for (const name of [file, stage.eventsFile, stage.launch.socket]) {
      assert.equal((await fs.stat(name)).mode & 0o777, 0o600, name);
    }
    assert.equal((await fs.stat(stage.sessionFolder)).mode & 0o777, 0o700);
  });

  it('removes its socket at the end, and then nobody is there', async () => {
    stage = await RunnerStage.make();
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    await tap.connection.send({ id: 'stop-1', command: 'stop', intent: 'stop' });
    await tap.next('exit');
    await tap.closed();
    assert.equal(tap.events.at(-1)?.type, 'exit');
    assert.ok(!(await exists(stage.launch.socket)));
    const { socket, controlToken, version } = stage.launch;
    await assert.rejects(
      connectRunner({ socket, version, token: controlToken }),
      (error) => error instanceof RunnerConnectError && error.reason === 'absent',
    );
  });
});
