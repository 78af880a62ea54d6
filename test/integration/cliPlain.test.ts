import assert from 'node:assert/strict';
import { AgentProcess } from '../../src/runner/agentProcess';
import { followTurn } from '../../src/agents/cli/cliTurn';
import { makeParser } from '../../src/agents/cli/parser';
import { makeCliStage } from '../support/cliStage';
import type { EventTap, RunnerStage } from '../support/runnerStage';

describe('a session of a plain command', () => {
  let stage: RunnerStage;

  afterEach(() => stage.dispose());

  const start = async (task: string, changes = {}): Promise<EventTap> => {
    stage = await makeCliStage('plain', task, changes);
    return stage.start();
  };

  it('is completed when the command ends well', async () => {
    const tap = await start('tool');
    const exit = await tap.next('exit');
    assert.deepEqual([exit.reason, exit.code], ['completed', 0]);
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'end_turn');
    assert.equal(tap.textAfter(0), 'Let me look.\n$ make all\nAll is well.\n');
    await stage.whenGone();
  });

  it('is given the prompt as an argument where the settings say so', async () => {
    const prompt = 'arguments $(date) "x" ; {prompt}';
    const tap = await start(prompt, { args: ['{prompt}', '--for={prompt}'] });
    await tap.next('exit');
    assert.deepEqual(JSON.parse(tap.textAfter(0)), [prompt, `--for=${prompt}`]);
  });

  it('has failed when the command fails, and says why', async () => {
    const tap = await start('die 4');
    const exit = await tap.next('exit');
    assert.deepEqual([exit.reason, exit.code], ['failed', 4]);
    assert.match(exit.detail ?? '', /exit code 4.*out of memory/);
    assert.match((await tap.turnEnd('task-1')).error ?? '', /out of memory/);
  });

  it('says that the account is used up', async () => {
    const tap = await start('limit');
    const exit = await tap.next('exit');
    assert.equal(exit.reason, 'usage-limit');
    assert.equal((await tap.next('usage-limit')).resetsAt, 1_795_587_994_000);
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'usage_limit');
  });

  it('is stopped when its turn is cancelled', async () => {
    const tap = await start('wait');
    await tap.next('text');
    await tap.connection.send({ id: 'c', command: 'cancel' });
    const exit = await tap.next('exit');
    assert.equal(exit.reason, 'stopped');
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'cancelled');
  });

  it('ends although a child holds its output open, and takes the child along', async () => {
    const tap = await start('hold');
    assert.equal((await tap.next('exit')).reason, 'completed');
    assert.equal(tap.textAfter(0), 'holding\n');
    await stage.whenGone();
  });

  it('says that a prompt cannot be an argument, and stays', async () => {
    const tap = await start('x'.repeat(300_000), { args: ['{prompt}'] });
    assert.match((await tap.turnEnd('task-1')).error ?? '', /too long for an argument/);
    assert.equal(await tap.say('second', 'say short'), 'short\n');
  });
});

describe('a command that does not end', () => {
  it('is ended when it has said how its turn ended', async () => {
    const lines = '{"type":"turn.completed","usage":{"input_tokens":1}}';
    const program = `console.log(${JSON.stringify(lines)}); process.on('SIGTERM', () => {});
      setInterval(() => {}, 1000);`;
    const agent = await AgentProcess.start(
      { command: process.execPath, args: ['-e', program], env: process.env as never, cwd: '.' },
      () => undefined,
      () => Promise.resolve(),
    );
    const parser = makeParser('codex', { cwd: '/', idPrefix: '' });
    const listener = { onEvents: () => undefined, whenReady: () => Promise.resolve() };
    const times = { silenceMs: 100, afterResultMs: 50, forceMs: 50 };
    const { exit } = await followTurn(agent, parser, listener, times);
    assert.equal(exit.signal, 'SIGKILL');
    assert.equal(parser.result?.totals?.tokens, 1);
    await agent.closed;
  });
});
