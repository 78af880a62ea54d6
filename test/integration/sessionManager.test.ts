import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { deferred } from '../../src/base/async';
import type { SessionEvent } from '../../src/domain/events';
import { BROKEN } from '../support/agents';
import { TestCore } from '../support/core';

describe('SessionManager', () => {
  let core: TestCore;

  beforeEach(async () => {
    core = await TestCore.open([BROKEN]);
  });
  afterEach(() => core.dispose());

  const isIdle = (session: { state: string }): boolean => session.state === 'idle';

  describe('a session', () => {
    it('does its task in a worktree, becomes idle, takes a second turn, and is finished', async () => {
      const id = await core.start('write made.txt by the agent', true);
      const idle = await core.until(id, (it) => isIdle(it) && it.metrics.filesChanged === 1);
      assert.ok(idle.worktree);
      assert.equal(idle.workingDir, idle.worktree.path);
      assert.equal(
        (await fs.readFile(path.join(idle.workingDir, 'made.txt'), 'utf8')).trim(),
        'by the agent',
      );
      assert.equal(idle.metrics.toolCalls, 1);
      await core.manager.sendPrompt(id, 'append made.txt again');
      await core.until(id, (it) => isIdle(it) && it.metrics.toolCalls === 2);
      await core.manager.finish(id);
      const done = core.manager.resolve(id);
      assert.equal(done.state, 'completed');
      assert.equal(done.pid, undefined);
      assert.deepEqual(await core.lasting(id), []);
      await fs.access(path.join(idle.worktree.path, 'made.txt'));
    });

    it('works in the folder itself when it gets no worktree', async () => {
      const id = await core.start('write here.txt hello');
      const session = await core.until(id, isIdle);
      assert.equal(session.worktree, undefined);
      await fs.access(path.join(core.repository, 'here.txt'));
    });

    it('works in the same subfolder of its worktree', async () => {
      await fs.mkdir(path.join(core.repository, 'packages/one'), { recursive: true });
      await fs.writeFile(path.join(core.repository, 'packages/one/index.js'), '');
      await core.git('add', '.');
      await core.git('commit', '--quiet', '-m', 'More');
      const { id, started } = await core.manager.create({
        task: 'say hello',
        agentType: 'rehearsal',
        useWorktree: true,
        folder: path.join(core.repository, 'packages/one'),
      });
      await started;
      const { workingDir, worktree } = await core.until(id, isIdle);
      assert.equal(workingDir, path.join(worktree?.path ?? '', 'packages/one'));
    });

    it('can be found by the beginning of its id, and as the latest', async () => {
      const first = await core.start('say one');
      await core.until(first, isIdle);
      const second = await core.start('say two');
      await core.until(second, isIdle);
      assert.equal(core.manager.resolve(first.slice(0, 7)).id, first);
      assert.equal(core.manager.resolve('latest').id, second);
      assert.equal(core.manager.status(second).session.id, second);
    });
  });

  describe('stopping', () => {
    it('leaves no process of an agent that ignores SIGTERM and has a child in a session of its own', async () => {
      const id = await core.start('ignore-sigterm\nspawn-detached\nwait 600');
      await sawText(id, /pid|process/i);
      const before = await core.processes(id);
      assert.ok(before.length >= 3, `runner, agent and child, not ${before.length}`);
      await core.manager.stop(id);
      assert.equal(core.manager.resolve(id).state, 'stopped');
      assert.deepEqual(await core.lasting(id), []);
    });

    it('is no error for a session that has ended, and changes nothing', async () => {
      const id = await core.start('say hello');
      await core.until(id, isIdle);
      await core.manager.finish(id);
      await core.manager.stop(id);
      assert.equal(core.manager.resolve(id).state, 'completed');
    });

    it('can be asked for twice at once', async () => {
      const id = await core.start('wait 600');
      await Promise.all([core.manager.stop(id), core.manager.stop(id)]);
      assert.equal(core.manager.resolve(id).state, 'stopped');
    });

    /** Waits until the agent has said something that fits. */
    async function sawText(id: string, pattern: RegExp): Promise<void> {
      const heard = deferred<undefined>();
      let said = '';
      const listen = (events: readonly SessionEvent[]): void => {
        for (const event of events) if (event.type === 'text') said += event.text;
        if (pattern.test(said)) heard.resolve(undefined);
      };
      // Both the past and what comes: something between the two would be missed otherwise.
      const subscription = core.manager.onDidApply(({ events }) => listen(events));
      for await (const event of core.manager.events(id)) listen([event]);
      await heard.promise;
      subscription.dispose();
    }
  });

  describe('after a reload', () => {
    it('goes on with the same agent and has every event exactly once', async () => {
      const id = await core.start('say before\nwait 0.5\nsay after');
      const { pid } = core.manager.resolve(id);
      await core.reopen();
      await core.manager.adoptAll();
      const session = await core.until(id, isIdle);
      assert.equal(session.pid, pid);
      const events: SessionEvent[] = [];
      for await (const event of core.manager.events(id)) events.push(event);
      assert.deepEqual(
        events.map((event) => event.seq),
        events.map((_, i) => i + 1),
      );
      const said = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
      assert.match(said, /before[^]*after/);
      await core.manager.sendPrompt(id, 'recall');
      await core.until(id, isIdle);
    });

    it('shows what an agent did and how it ended while no window was open', async () => {
      const id = await core.start('wait 0.2\nexit 0');
      await core.close();
      assert.deepEqual(await core.lasting(id), []);
      await core.reopen();
      await core.manager.adoptAll();
      assert.equal(core.manager.resolve(id).state, 'completed');
    });
  });

  describe('bad input', () => {
    const wanted = () => ({
      task: 'say hello',
      agentType: 'rehearsal',
      useWorktree: true,
      folder: core.repository,
    });
    const nothingCreated = async (): Promise<void> => {
      assert.equal(core.manager.overview().sessions.size, 0);
      assert.equal(await core.git('worktree', 'list', '--porcelain').then(countWorktrees), 1);
    };

    it('refuses an empty task', async () => {
      await assert.rejects(core.manager.create({ ...wanted(), task: ' ' }), /The task is empty/);
      await nothingCreated();
    });

    it('refuses an unknown agent', async () => {
      const create = core.manager.create({ ...wanted(), agentType: 'x' });
      await assert.rejects(create, /^UnsupportedAgentError: Unsupported agent type: x/);
      await nothingCreated();
    });

    it('names a program that is not installed and how to get it', async () => {
      const create = core.manager.create({ ...wanted(), agentType: 'codex' });
      await assert.rejects(create, /"codex-acp", which was not found.*npm install -g/);
      await nothingCreated();
    });

    it('refuses a worktree where there is no repository', async () => {
      const folder = path.join(core.root, 'plain');
      await fs.mkdir(folder);
      await assert.rejects(core.manager.create({ ...wanted(), folder }), /not in a git repository/);
      await nothingCreated();
    });

    it('says that git is missing, and how to get it', async () => {
      await core.reopen({ PATH: path.join(core.root, 'nothing-here') });
      await assert.rejects(core.manager.create(wanted()), /GitMissingError: git is not installed/);
      assert.equal(core.manager.overview().sessions.size, 0);
      // Without a worktree, nobody needs git.
      await core.until(await core.start('say hello'), isIdle);
    });

    it('refuses a folder that does not exist', async () => {
      const folder = path.join(core.root, 'nowhere');
      await assert.rejects(core.manager.create({ ...wanted(), folder }), /nowhere does not exist/);
      await nothingCreated();
    });

    it('leaves a failed row with the reason, and no worktree, when a program fails to start', async () => {
      const { id, started } = await core.manager.create({ ...wanted(), agentType: 'broken' });
      await assert.rejects(started, /no licence found/);
      const session = core.manager.resolve(id);
      assert.equal(session.state, 'failed');
      assert.match(session.reason ?? '', /no licence found/);
      assert.equal(session.worktree, undefined);
      assert.equal(session.workingDir, core.repository);
      assert.equal(await core.git('worktree', 'list', '--porcelain').then(countWorktrees), 1);
      assert.equal(await core.git('branch', '--list', 'deputy/*'), '');
      assert.deepEqual(await core.lasting(id), []);
    });

    it('leaves a failed row with the reason when the worktree cannot be made', async () => {
      await fs.writeFile(`${core.repository}.worktrees`, 'in the way');
      const { id, started } = await core.manager.create(wanted());
      await assert.rejects(started);
      assert.equal(core.manager.resolve(id).state, 'failed');
      assert.ok(core.manager.resolve(id).reason);
    });

    it('refuses prompts and finishing while a turn runs or after the end', async () => {
      const id = await core.start('wait 600');
      await core.until(id, (it) => it.state === 'running');
      await assert.rejects(core.manager.sendPrompt(id, 'say more'), /while it is running/);
      await assert.rejects(core.manager.finish(id), /while it is running/);
      await core.manager.stop(id);
      await assert.rejects(core.manager.sendPrompt(id, 'say more'), /while it is stopped/);
      await assert.rejects(core.manager.finish(id), /It has already ended/);
    });

    it('refuses an empty prompt, and an answer to a question that is no longer asked', async () => {
      const id = await core.start('say hello');
      await core.until(id, isIdle);
      await assert.rejects(core.manager.sendPrompt(id, ''), /The prompt is empty/);
      await assert.rejects(core.manager.answer(id, 'r', 'o'), /no longer asks/);
    });
  });
});

function countWorktrees(porcelain: string): number {
  return porcelain.split('\n').filter((line) => line.startsWith('worktree ')).length;
}
