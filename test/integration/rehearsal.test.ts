import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { deferred } from '../../src/base/async';
import { RehearsalStage } from './rehearsalStage';

const execute = promisify(execFile);

describe('rehearsal agent', function () {
  this.timeout(20_000);
  const stage = RehearsalStage.forEachTest();

  describe('a sentence', () => {
    it('is answered with what the agent is, the task, and facts of the folder', async () => {
      await execute('git', ['init', '--initial-branch=trunk', stage.cwd]);
      await fs.mkdir(path.join(stage.cwd, 'src'));
      await fs.writeFile(path.join(stage.cwd, 'a.txt'), '');
      await fs.writeFile(path.join(stage.cwd, 'b.txt'), '');
      const { text } = await stage.act('Please fix the parser.');
      assert.match(text, /rehearsal agent.*no model/);
      assert.match(text, /Please fix the parser\./);
      assert.match(text, /2 files and 1 folder at the top level, on the git branch trunk\./);
      assert.match(text, /`help`/);
    });

    it('is answered also outside a repository, and when a line only looks like a command', async () => {
      const { text } = await stage.act('Write a test for the parser');
      assert.match(text, /A path needs a dot or a slash/);
      assert.match(text, /0 files and 0 folders at the top level\./);
      assert.deepEqual(await fs.readdir(stage.cwd), []);
    });

    it('comes in several pieces', async () => {
      const { updates, text } = await stage.act('say one two three four five six seven');
      assert.equal(text, 'one two three four five six seven\n');
      assert.ok(updates.length > 2, `${updates.length} pieces`);
    });

    it('among commands is noted', async () => {
      const { text } = await stage.act('Do this first:', 'say done');
      assert.equal(text, 'Noted: Do this first:\ndone\n');
    });
  });

  describe('saying', () => {
    it('shows thoughts and plans', async () => {
      const client = await stage.act('think Hm, well', 'plan look | change');
      assert.equal(client.textOf('agent_thought_chunk'), 'Hm, well\n');
      assert.deepEqual(client.updates.at(-1), {
        sessionUpdate: 'plan',
        entries: [
          { content: 'look', priority: 'medium', status: 'in_progress' },
          { content: 'change', priority: 'medium', status: 'pending' },
        ],
      });
    });

    it('tells what is wrong with a command and goes on', async () => {
      const { text } = await stage.act('wait abc', 'say after');
      assert.match(text, /"wait abc".*"abc" is not a number.*wait SECONDS\nafter\n/);
    });

    it('lists the commands', async () => {
      assert.match((await stage.act('help')).text, /^say TEXT +says it$/m);
    });

    it('writes to standard error', async () => {
      const client = await stage.act('stderr careful');
      await client.until(() => (client.stderr.includes('careful\n') ? true : undefined));
    });
  });

  describe('ask', () => {
    for (const [optionId, said, status] of [
      ['once', 'Allowed: May I?', 'completed'],
      ['always', 'Allowed from now on: May I?', 'completed'],
      ['reject', 'Rejected: May I?', 'failed'],
    ] as const) {
      it(`says "${said}" and goes on`, async () => {
        const client = await stage.start();
        const asked: unknown[] = [];
        client.answer = async ({ toolCall, options }) => {
          asked.push(
            toolCall.title,
            options.map(({ kind }) => kind),
          );
          return { outcome: 'selected', optionId };
        };
        await client.prompt(await client.begin(stage.cwd), 'ask May I?', 'say after');
        assert.deepEqual(asked, ['May I?', ['allow_once', 'allow_always', 'reject_once']]);
        assert.equal(client.text, `${said}\nafter\n`);
        assert.equal(client.toolCalls[0]?.status, status);
      });
    }

    it('ends the turn when it is answered with cancelled', async () => {
      const client = await stage.start();
      client.answer = async () => ({ outcome: 'cancelled' });
      const turn = client.prompt(await client.begin(stage.cwd), 'ask May I?', 'say after');
      assert.deepEqual(await turn, { stopReason: 'cancelled' });
      assert.equal(client.text, '');
    });

    it('ends with the turn, also when nobody answers', async () => {
      const client = await stage.start();
      const isAsked = deferred<undefined>();
      client.answer = async () => {
        isAsked.resolve(undefined);
        return new Promise(() => undefined);
      };
      const id = await client.begin(stage.cwd);
      const turn = client.prompt(id, 'ask May I?');
      await isAsked.promise;
      await client.cancel(id);
      assert.deepEqual(await turn, { stopReason: 'cancelled' });
    });
  });

  describe('turns', () => {
    it('are cancelled while they wait, and another can follow', async () => {
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      const turn = client.prompt(id, 'say before', 'wait 1000', 'write after.txt x');
      await client.until(() => (client.text === 'before\n' ? true : undefined));
      await client.cancel(id);
      assert.deepEqual(await turn, { stopReason: 'cancelled' });
      await client.prompt(id, 'say again');
      assert.equal(client.text, 'before\nagain\n');
      assert.deepEqual(await fs.readdir(stage.cwd), []);
    });

    it('are cancelled by a cancel that comes right behind the prompt', async () => {
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      const turn = client.prompt(id, 'wait 1000');
      await client.cancel(id);
      assert.deepEqual(await turn, { stopReason: 'cancelled' });
    });

    it('wait as long as they are told', async () => {
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      const before = performance.now();
      await client.prompt(id, 'wait 0.5');
      // Timers may fire a little early.
      assert.ok(performance.now() - before >= 495);
    });

    it('refuse a second prompt while they run, without harm', async () => {
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      const turn = client.prompt(id, 'wait 1000');
      await assert.rejects(client.prompt(id, 'say no'), { code: -32600, message: /is busy/ });
      await client.cancel(id);
      assert.deepEqual(await turn, { stopReason: 'cancelled' });
      assert.equal(client.text, '');
    });

    it('fail with the error of the script, and another can follow', async () => {
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      await assert.rejects(client.prompt(id, 'say before', 'fail The model is gone', 'say after'), {
        code: -32603,
        message: 'The model is gone',
      });
      await client.prompt(id, 'say again');
      assert.equal(client.text, 'before\nagain\n');
    });

    it('end with a refusal', async () => {
      const client = await stage.start();
      const turn = client.prompt(await client.begin(stage.cwd), 'refuse', 'say after');
      assert.deepEqual(await turn, { stopReason: 'refusal' });
      assert.doesNotMatch(client.text, /after/);
    });

    it('report the tokens of the turn, and tokens and cost of the conversation', async () => {
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      const first = await client.prompt(id, 'usage 1000 0.1', 'usage 500 0.2');
      assert.deepEqual(first.usage, { totalTokens: 1500, inputTokens: 1200, outputTokens: 300 });
      const second = await client.prompt(id, 'usage 100');
      assert.equal(second.usage?.totalTokens, 100);
      assert.deepEqual(client.updates.at(-1), {
        sessionUpdate: 'usage_update',
        used: 1600,
        size: 200_000,
        cost: { amount: 0.3, currency: 'USD' },
      });
    });

    it('deliver a flood of 5 MB completely, in order', async () => {
      const { text } = await stage.act('flood 5120');
      assert.equal(text.length, 5120 * 1024);
      const lines = text.trimEnd().split('\n');
      assert.ok(
        lines.every((line, index) => line.startsWith(`flood ${index + 1} of 5120 ..`)),
        'a line is missing or misplaced',
      );
    });

    it('are cancelled in the middle of a flood', async () => {
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      const turn = client.prompt(id, 'flood 1000000');
      await client.until(() => client.updates[0]);
      await client.cancel(id);
      assert.deepEqual(await turn, { stopReason: 'cancelled' });
    });
  });
});
