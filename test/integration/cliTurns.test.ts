import assert from 'node:assert/strict';
import * as path from 'node:path';
import { MarkedProcesses } from '../../src/base/processTree';
import type { SessionEvent } from '../../src/domain/events';
import { makeCliStage } from '../support/cliStage';
import { assertContiguous, type EventTap, type RunnerStage } from '../support/runnerStage';

/** The events of one kind. */
function all<T extends SessionEvent['type']>(
  tap: EventTap,
  type: T,
): Extract<SessionEvent, { readonly type: T }>[] {
  return tap.events.filter(
    (event): event is Extract<SessionEvent, { readonly type: T }> => event.type === type,
  );
}

for (const format of ['claude', 'codex'] as const) {
  describe(`a session of the command line ${format}`, () => {
    let stage: RunnerStage;

    afterEach(() => stage.dispose());

    const start = async (task: string, changes = {}): Promise<EventTap> => {
      stage = await makeCliStage(format, task, changes);
      return stage.start();
    };

    it('goes on with its conversation, a process for each turn', async () => {
      const tap = await start('first');
      await tap.turnEnd('task-1');
      assert.equal(await tap.say('second', 'recall'), 'first|recall');
      assert.equal(await tap.say('third', 'recall'), 'first|recall|recall');
      const pids = all(tap, 'agent-started').map(({ pid }) => pid);
      assert.equal(new Set(pids).size, 3);
      const [conversation, ...others] = all(tap, 'conversation');
      assert.deepEqual([conversation?.isContinued, conversation?.canContinue], [false, true]);
      assert.deepEqual(others, []);
      assert.equal(all(tap, 'mode').length, format === 'claude' ? 1 : 0);
      const ends = all(tap, 'turn-ended');
      assert.deepEqual(
        ends.map(({ stopReason, tokens, costUsd }) => ({ stopReason, tokens, costUsd })),
        Array(3).fill({
          stopReason: 'end_turn',
          tokens: 100,
          costUsd: format === 'claude' ? 0.25 : undefined,
        }),
      );
      assertContiguous(tap.events);
      await tap.connection.send({ id: 's', command: 'stop', intent: 'finish' });
      assert.equal((await tap.next('exit')).reason, 'completed');
      assert.deepEqual(
        all(tap, 'agent-ended').map(({ pid }) => pid),
        pids,
      );
    });

    it('tells what it says, does and plans', async () => {
      const tap = await start('tool');
      await tap.turnEnd('task-1');
      const call = await tap.next('tool-call');
      assert.deepEqual([call.title, call.kind], ['make all', 'execute']);
      const update = await tap.next('tool-update');
      assert.deepEqual([update.toolCallId, update.status], [call.toolCallId, 'completed']);
      assert.equal(update.output?.trim(), 'done');
      const [plan] = all(tap, 'plan');
      assert.deepEqual(plan?.entries, [{ content: 'Look', status: 'completed' }]);
      assert.deepEqual(
        all(tap, 'text').map(({ text }) => text),
        ['Let me look.', 'All is well.'],
      );
    });

    it('takes up its conversation after its runner was killed', async () => {
      const before = await start('first');
      const { totals } = await before.turnEnd('task-1');
      const { conversationId } = await before.next('conversation');
      await before.connection.send({ id: 'second', command: 'prompt', text: 'hang' });
      await before.next('text', ({ text }) => text === 'hanging');
      process.kill(stage.runnerPid, 'SIGKILL');
      await before.closed();
      // As the extension does before it starts another runner.
      assert.deepEqual(await new MarkedProcesses(stage.marker).killAll(), []);
      const socket = path.join(stage.folder, 'second.sock');
      const task = { task: 'recall', taskCommandId: 'task-2' };
      const launch = { ...stage.launch, ...task, socket, conversationId, totals };
      const tap = await Object.assign(stage, { launch }).start();
      const end = await tap.turnEnd('task-2');
      const [, continued] = all(tap, 'conversation');
      assert.equal(continued?.conversationId, conversationId);
      assert.equal(continued.isContinued, true);
      assert.equal(tap.textAfter(continued.seq), 'first|hang|recall');
      // The turn whose end nobody saw is counted with this one.
      if (format === 'claude') assert.deepEqual([end.tokens, end.costUsd], [100, 0.5]);
      else assert.deepEqual([end.tokens, end.costUsd], [200, undefined]);
      assertContiguous(tap.events);
    });

    it('says why a conversation could not be taken up again, and stays', async () => {
      const tap = await start('recall', { conversationId: '01-none' });
      const end = await tap.turnEnd('task-1');
      assert.equal(end.stopReason, 'error');
      assert.match(end.error ?? '', /No conversation found.* 01-none/);
      await tap.turnEnd('task-1');
      // It would have been told before the answer.
      await tap.connection.send({ id: 'c', command: 'cancel' });
      assert.deepEqual(all(tap, 'exit'), []);
    });

    it('cancels a turn and goes on', async () => {
      const tap = await start('wait');
      await tap.next('text');
      await tap.connection.send({ id: 'c', command: 'cancel' });
      assert.equal((await tap.turnEnd('task-1')).stopReason, 'cancelled');
      assert.equal(await tap.say('second', 'recall'), 'wait|recall');
    });

    it('leaves nothing alive when it is stopped during a turn', async () => {
      const tap = await start('detach wait');
      const pid = Number((await tap.next('text')).text);
      assert.ok((await stage.living()).some((info) => info.pid === pid));
      await tap.connection.send({ id: 's', command: 'stop', intent: 'stop' });
      assert.equal((await tap.next('exit')).reason, 'stopped');
      assert.equal((await tap.turnEnd('task-1')).stopReason, 'cancelled');
      await stage.whenGone();
    });

    it('leaves nothing alive when it is stopped between turns', async () => {
      const tap = await start('detach');
      const pid = Number((await tap.next('text')).text);
      await tap.turnEnd('task-1');
      assert.ok((await stage.living()).some((info) => info.pid === pid));
      await tap.connection.send({ id: 's', command: 'stop', intent: 'stop' });
      assert.equal((await tap.next('exit')).reason, 'stopped');
      await stage.whenGone();
    });

    it('ends when a turn ignores everything', async () => {
      const tap = await start('hang');
      await tap.next('text');
      await tap.connection.send({ id: 's', command: 'stop', intent: 'stop' });
      assert.equal((await tap.next('exit')).reason, 'stopped');
      await stage.whenGone();
    });

    it('does not wait for whoever holds its output open', async () => {
      const tap = await start('hold');
      assert.equal((await tap.turnEnd('task-1')).stopReason, 'end_turn');
      assert.equal(tap.textAfter(0), 'holding');
      assert.equal((await stage.livingAgents()).length, 1);
    });

    it('fails a turn that ends without a word, and stays', async () => {
      const tap = await start('die 3');
      const { error, costUsd, tokens } = await tap.turnEnd('task-1');
      assert.match(error ?? '', /exit code 3.*out of memory/);
      assert.deepEqual([tokens, costUsd], [undefined, undefined]);
      assert.equal(await tap.say('second', 'recall'), 'die 3|recall');
      // What the first turn used is counted when it is known.
      assert.equal((await tap.turnEnd('second')).tokens, format === 'claude' ? 100 : 200);
    });

    it('ends when somebody kills its process', async () => {
      const tap = await start('kill');
      const exit = await tap.next('exit');
      assert.deepEqual([exit.reason, exit.signal], ['killed', 'SIGKILL']);
      assert.match((await tap.turnEnd('task-1')).error ?? '', /signal SIGKILL/);
      assert.equal(tap.textAfter(0), 'last words');
    });

    it('ends when it cannot even begin', async () => {
      const tap = await start('unstartable');
      const exit = await tap.next('exit');
      assert.deepEqual([exit.reason, exit.code], ['failed', 1]);
      assert.match(exit.detail ?? '', /unknown option/);
    });

    it('says that its account is used up, and stays', async () => {
      const tap = await start('limit');
      const end = await tap.turnEnd('task-1');
      assert.equal(end.stopReason, 'usage_limit');
      const limits = all(tap, 'usage-limit');
      assert.equal(limits.length, 1);
      const [limit] = limits;
      assert.ok(limit && limit.seq < end.seq);
      assert.match(limit.text, /^You.ve hit your/);
      if (format === 'claude') assert.equal(limit.resetsAt, 1_795_587_994_000);
      else assert.ok(Math.abs((limit.resetsAt ?? 0) - end.at - 7_200_000) < 60_000);
      assert.deepEqual(all(tap, 'exit'), []);
    });

    it('takes lines of 10 MB', async () => {
      const tap = await start('long');
      await tap.turnEnd('task-1');
      assert.equal(tap.textAfter(0), 'z'.repeat(10 * 1024 * 1024));
      const [noise] = all(tap, 'stderr');
      assert.ok(noise && noise.text.length < 5_000 && noise.text.startsWith('yyy'));
    });

    it('keeps up with a flood', async () => {
      const tap = await start('flood 20000');
      await tap.turnEnd('task-1');
      assert.equal(all(tap, 'tool-call').length, 20_000);
      assertContiguous(tap.events);
    });
  });
}

describe('a session of a command line', () => {
  let stage: RunnerStage;

  afterEach(() => stage.dispose());

  it('follows a copy that Claude Code makes of its conversation', async () => {
    stage = await makeCliStage('claude', 'first');
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    assert.equal(await tap.say('second', 'rename'), 'first|rename');
    assert.equal(await tap.say('third', 'recall'), 'first|rename|recall');
    assert.deepEqual(
      all(tap, 'conversation').map(({ isContinued }) => isContinued),
      [false, true],
    );
    assert.equal((await tap.turnEnd('third')).costUsd, 0.25);
  });

  it('ends a Codex that begins another conversation', async () => {
    stage = await makeCliStage('codex', 'first');
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    assert.equal(await tap.say('second', 'rename'), '');
    const { error } = await tap.turnEnd('second');
    assert.match(error ?? '', /began another one/);
    assert.equal(await tap.say('third', 'recall'), 'first|recall');
  });

  it('ends one that works elsewhere', async () => {
    stage = await makeCliStage('claude', 'elsewhere');
    const tap = await stage.start();
    const { error } = await tap.turnEnd('task-1');
    assert.match(error ?? '', /but works in \/, so Deputy ended it/);
    assert.equal(tap.textAfter(0), '');
    assert.deepEqual(all(tap, 'conversation'), []);
  });
});
