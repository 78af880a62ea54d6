import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { RehearsalClient } from './rehearsalClient';
import { RehearsalStage } from './rehearsalStage';

describe('rehearsal agent: conversations and process', function () {
  this.timeout(20_000);
  const stage = RehearsalStage.forEachTest();

  const load = async (client: RehearsalClient, id: string, cwd: string): Promise<unknown> =>
    client.agent.request('session/load', { sessionId: id, cwd, mcpServers: [] });

  describe('conversations', () => {
    it('go on in another process after a crash, and know what was said', async () => {
      const first = await stage.start();
      const id = await first.begin(stage.cwd);
      await first.prompt(id, 'say Good morning', 'usage 10 0.5');
      await assert.rejects(first.prompt(id, 'say before', 'crash', 'say after'));
      assert.deepEqual(await first.exited, { code: null, signal: 'SIGKILL' });
      assert.equal(first.text, 'Good morning\nbefore\n');

      const second = await stage.start();
      await load(second, id, stage.cwd);
      assert.equal(second.text, 'Good morning\n');
      assert.equal(
        second.textOf('user_message_chunk'),
        'say Good morning\nusage 10 0.5say before\ncrash\nsay after',
      );
      await second.prompt(id, 'recall');
      assert.match(
        second.text,
        /You said before: say Good morning usage 10 0\.5\nYou said before: say before crash say after\n$/,
      );
      await second.prompt(id, 'usage 1 0.25');
      assert.deepEqual(second.updates.at(-1), {
        sessionUpdate: 'usage_update',
        used: 11,
        size: 200_000,
        cost: { amount: 0.75, currency: 'USD' },
      });
    });

    it('are resumed without a replay', async () => {
      const first = await stage.act('say Hello');
      await first.end();
      const second = await stage.start();
      const [found] = (await second.agent.request('session/list', {})).sessions;
      const sessionId = found?.sessionId ?? '';
      await second.agent.request('session/resume', { sessionId, cwd: stage.cwd });
      assert.deepEqual(second.updates, []);
      await second.prompt(sessionId, 'remember');
      assert.equal(second.text, 'You said before: say Hello\n');
    });

    it('do not know each other', async () => {
      const client = await stage.act('say Hello');
      await client.prompt(await client.begin(stage.cwd), 'recall');
      assert.match(client.text, /You said nothing before\.\n$/);
    });

    it('are listed with their folder and first task, by folder', async () => {
      const other = path.join(stage.root, 'other');
      await fs.mkdir(other);
      const client = await stage.start();
      await client.prompt(await client.begin(stage.cwd), 'say Hello');
      await client.begin(other);
      const all = await client.agent.request('session/list', {});
      assert.deepEqual(new Set(all.sessions.map(({ cwd }) => cwd)), new Set([stage.cwd, other]));
      const { sessions } = await client.agent.request('session/list', { cwd: stage.cwd });
      assert.deepEqual(
        sessions.map(({ title }) => title),
        ['say Hello'],
      );
    });

    it('do not go on in another folder, but in a link to their own', async () => {
      const client = await stage.start();
      const sessionId = await client.begin(stage.cwd);
      await assert.rejects(load(client, sessionId, stage.root), {
        code: -32602,
        message: /belongs to the folder .*work and cannot go on in /,
      });
      await assert.rejects(
        client.agent.request('session/resume', { sessionId, cwd: path.join(stage.root, 'no') }),
        /belongs to the folder/,
      );
      const link = path.join(stage.root, 'link');
      await fs.symlink(stage.cwd, link, 'junction');
      await load(client, sessionId, link);
    });

    it('that are unknown, closed or damaged are refused', async () => {
      const client = await stage.start();
      const unknown = { code: -32002, message: /knows no conversation/ };
      for (const id of ['00000000-0000-4000-8000-000000000000', '../home', '']) {
        await assert.rejects(load(client, id, stage.cwd), unknown);
        await assert.rejects(client.prompt(id, 'say no'), unknown);
      }
      const sessionId = await client.begin(stage.cwd);
      await client.agent.request('session/close', { sessionId });
      await assert.rejects(client.prompt(sessionId, 'say no'), unknown);
      await fs.writeFile(path.join(stage.home, `${sessionId}.json`), '{"version":1}');
      await assert.rejects(load(client, sessionId, stage.cwd), /does not hold a conversation/);
      assert.deepEqual((await client.agent.request('session/list', {})).sessions, []);
      await client.until(() => (/does not hold/.test(client.stderr) ? true : undefined));
    });

    it('need a folder that is there', async () => {
      const client = await stage.start();
      await assert.rejects(client.begin('work'), /cwd must be an absolute path/);
      await assert.rejects(client.begin(path.join(stage.root, 'no')), /cwd is not a folder/);
    });

    it('are kept private, one file each', async function () {
      if (process.platform === 'win32') this.skip();
      await stage.act('say Hello');
      const names = await fs.readdir(stage.home);
      assert.equal(names.length, 1);
      const file = await fs.stat(path.join(stage.home, names[0] ?? ''));
      assert.equal(file.mode & 0o777, 0o600);
      assert.equal((await fs.stat(stage.home)).mode & 0o777, 0o700);
    });
  });

  describe('the process', () => {
    it('exits with 0 when its input ends', async () => {
      const client = await stage.act('say Hello');
      assert.deepEqual(await client.end(), { code: 0, signal: null });
      assert.equal(client.stderr, '');
    });

    it('exits with 0 when its input ends during a turn', async () => {
      const client = await stage.start();
      const turn = client.prompt(await client.begin(stage.cwd), 'say begun', 'wait 1000');
      turn.catch(() => undefined);
      await client.until(() => (client.text === 'begun\n' ? true : undefined));
      assert.deepEqual(await client.end(), { code: 0, signal: null });
      await assert.rejects(turn);
      assert.equal(client.stderr, '');
    });

    it('exits with the code of the script, after what was said before', async () => {
      const client = await stage.start();
      const turn = client.prompt(await client.begin(stage.cwd), 'flood 100', 'exit 7');
      await assert.rejects(turn);
      assert.deepEqual(await client.exited, { code: 7, signal: null });
      assert.equal(client.text.length, 100 * 1024);
    });

    it('ends by SIGTERM', async function () {
      if (process.platform === 'win32') this.skip();
      const client = await stage.act('say Hello');
      client.child.kill('SIGTERM');
      assert.deepEqual(await client.exited, { code: null, signal: 'SIGTERM' });
    });

    it('survives SIGTERM and the end of its input when it is told to', async function () {
      if (process.platform === 'win32') this.skip();
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      await client.prompt(id, 'ignore-sigterm');
      client.child.kill('SIGTERM');
      await client.until(() => (client.stderr.includes('Ignored SIGTERM.\n') ? true : undefined));
      await client.prompt(id, 'say still here');
      assert.match(client.text, /still here/);
      client.child.stdin.end();
      await client.until(() =>
        /Ignored the end of input\.\n/.test(client.stderr) ? true : undefined,
      );
      assert.equal(client.child.exitCode, null);
      client.child.kill('SIGKILL');
      assert.deepEqual(await client.exited, { code: null, signal: 'SIGKILL' });
    });

    it('leaves a process behind when it is told to', async () => {
      const client = await stage.act('spawn-detached');
      const pid = Number(/Started process (\d+)/.exec(client.text)?.[1]);
      assert.deepEqual(await client.end(), { code: 0, signal: null });
      // Throws when there is no such process.
      process.kill(pid, 'SIGKILL');
    });

    it('keeps standard output for the protocol', async () => {
      const client = await stage.act('say Hello', 'stderr careful', 'run git --version');
      await client.end();
      assert.deepEqual(client.strayLines, []);
    });
  });
});
