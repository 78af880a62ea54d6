import assert from 'node:assert/strict';
import { UserError } from '../../src/base/errors';
import { MAX_ATTEMPTS, retryDelayMs } from '../../src/domain/handoff';
import { PERSON } from '../../src/domain/message';
import { HandoffStateError, SessionEndedError } from '../../src/routing/errors';
import { HeldCore } from '../support/heldCore';

describe('HandoffBook', () => {
  let core: HeldCore;

  beforeEach(async () => {
    core = await HeldCore.open();
  });
  afterEach(() => core.dispose());

  /** Sessions whose agents are there and wait; the first is the lead of the others. */
  async function team(...ids: readonly string[]): Promise<void> {
    const [lead = ''] = ids;
    ids.forEach((id, i) => {
      const role = id === lead ? 'lead' : 'worker';
      core.insert(id, 9 - i, { state: 'idle', presence: 'alive', role });
      if (id !== lead) core.isLeadOf(lead, id);
    });
    await core.manager.adoptAll();
  }

  /** What was told to a session, the newest first, without what it was told to do. */
  const told = (id: string): unknown[] =>
    core.routing.messenger
      .inbox(id)
      .map(({ body }) => body)
      .filter((body) => body?.type !== 'task_handoff');

  const attention = (): string[] =>
    core.store.attention.open().map(({ kind, sessionId }) => `${kind} ${sessionId}`);

  describe('a turn that ends', () => {
    it('tells the sender what the agent said last, and which files it changed', async () => {
      await team('lead', 'worker');
      const id = core.handOver('lead', 'worker', 'write it');
      await core.untilHandoff(id, 'taken');
      assert.equal(core.lineOf(id), 'lead -> worker self taken read');
      const worker = core.runners.of('worker');
      assert.deepEqual(worker.prompts, ['write it']);
      worker.report({ type: 'text', text: 'I begin.' });
      for (const [kind, name] of [
        ['edit', 'a.txt'],
        ['read', 'b.txt'],
        ['delete', 'c.txt'],
      ] as const) {
        worker.report({
          type: 'tool-call',
          toolCallId: name,
          title: kind,
          kind,
          status: 'completed',
          locations: [`${core.repository}/${name}`],
          output: undefined,
        });
      }
      worker.report({ type: 'text', text: 'All ' });
      worker.report({ type: 'text', text: 'done.' });
      worker.endTurn();
      const { resultMessageId } = await core.untilHandoff(id, 'done');
      const [message] = core.routing.messenger.inbox('lead');
      assert.equal(message?.id, resultMessageId);
      assert.deepEqual(
        [message?.from, message?.isRead, message?.body],
        [
          'worker',
          false,
          { type: 'completed', summary: 'All done.', filesChanged: ['a.txt', 'c.txt'] },
        ],
      );
      assert.deepEqual(attention(), []);
    });

    it('tells nobody when a person sent it, and settles all the same', async () => {
      await team('worker');
      const id = core.handOver(PERSON, 'worker', 'do it');
      await core.untilHandoff(id, 'taken');
      core.runners.of('worker').endTurn();
      assert.equal((await core.untilHandoff(id, 'done')).resultMessageId, undefined);
    });

    it('otherwise than it should has failed: the sender and a person hear of it, nobody tries again', async () => {
      await team('lead', 'worker');
      const id = core.handOver('lead', 'worker', 'do it\nnow');
      await core.untilHandoff(id, 'taken');
      core.runners.of('worker').endTurn('refusal');
      const { reason, attempts } = await core.untilHandoff(id, 'failed');
      assert.deepEqual([reason, attempts], ['The agent refused to go on.', 0]);
      assert.deepEqual(told('lead'), [
        { type: 'response', answer: 'Failed: do it. The agent refused to go on.' },
      ]);
      assert.deepEqual(attention(), ['handoff-failed worker']);
      assert.equal(core.manager.resolve('worker').state, 'idle');
      assert.deepEqual(core.waiting('lead', 'team'), []);
    });

    it('with the death of the agent has failed, and is not tried again', async () => {
      await team('lead', 'worker');
      const id = core.handOver('lead', 'worker', 'do it');
      await core.untilHandoff(id, 'taken');
      core.runners.of('worker').die('The agent was killed.');
      await core.untilHandoff(id, 'failed');
      assert.equal(core.manager.resolve('worker').state, 'failed');
      assert.deepEqual(told('lead'), [
        { type: 'response', answer: 'Failed: do it. The agent was killed.' },
      ]);
      assert.deepEqual(core.waiting('lead', 'team'), []);
    });

    it('settles what it was routed from, and tells each sender once', async () => {
      await team('planner', 'lead');
      core.insert('worker', 1, { state: 'idle', presence: 'alive' });
      core.isLeadOf('lead', 'worker');
      await core.manager.adoptAll();
      const source = core.handOver('planner', 'lead', 'do it', { purpose: 'team' });
      await core.routing.backlog.drainInbox('lead');
      const [child] = core.store.handoffs.madeFor(source);
      assert.equal(child?.to, 'worker');
      await core.untilHandoff(child.id, 'taken');
      assert.equal(core.handoff(source).state, 'routed');
      core.runners.of('worker').report({ type: 'text', text: 'Here it is.' });
      core.runners.of('worker').endTurn();
      await core.untilHandoff(source, 'done');
      assert.equal(core.handoff(child.id).state, 'done');
      const completed = { type: 'completed', summary: 'Here it is.', filesChanged: [] };
      assert.deepEqual(told('lead'), [completed]);
      assert.deepEqual(told('planner'), [completed]);
      assert.equal(core.routing.messenger.inbox('planner')[0]?.from, 'worker');
    });

    it('passes a failure up to what it was routed from', async () => {
      await team('planner', 'lead');
      core.insert('worker', 1, { state: 'idle', presence: 'alive' });
      core.isLeadOf('lead', 'worker');
      await core.manager.adoptAll();
      const source = core.handOver('planner', 'lead', 'do it', { purpose: 'team' });
      await core.routing.backlog.drainInbox('lead');
      const [child] = core.store.handoffs.madeFor(source);
      await core.untilHandoff(child?.id ?? 0, 'taken');
      core.runners.of('worker').endTurn('refusal');
      await core.untilHandoff(source, 'failed');
      const failed = { type: 'response', answer: 'Failed: do it. The agent refused to go on.' };
      assert.deepEqual([told('lead'), told('planner')], [[failed], [failed]]);
    });
  });

  describe('an agent that does not take it', () => {
    it('is asked again after a while, and after 3 attempts it has failed', async () => {
      await team('lead', 'worker');
      const worker = core.runners.of('worker');
      worker.refusal = 'not now';
      const id = core.handOver('lead', 'worker', 'do it');
      for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
        const { after, reason, state } = await core.when(() => {
          const handoff = core.handoff(id);
          return handoff.attempts === attempt ? handoff : undefined;
        });
        assert.equal(state, 'queued');
        assert.match(reason ?? '', /not now/);
        const wait = (after ?? 0) - Date.now() - core.aheadMs;
        assert.ok(wait > 0 && wait <= retryDelayMs(attempt), `${wait} ms`);
        core.aheadMs += retryDelayMs(attempt);
        core.manager.switchRole('worker', 'worker');
      }
      const { attempts } = await core.untilHandoff(id, 'failed');
      assert.equal(attempts, MAX_ATTEMPTS);
      assert.deepEqual(worker.prompts, []);
      assert.deepEqual(told('lead'), [
        {
          type: 'response',
          answer: 'Failed: do it. It could not be given to its agent: not now',
        },
      ]);
    });

    it('waits for its own back-off, not for that of another one', async () => {
      await team('lead', 'soon', 'later');
      core.limits.maxRunningTurns = 0;
      const [first, second] = ['soon', 'later'].map((to) => core.handOver('lead', to, 'do it'));
      const delay = (id: number | undefined, ms: number): void =>
        core.store.mutate(() => {
          const handoff = core.handoff(id ?? 0);
          core.store.handoffs.update({ ...handoff, after: Date.now() + ms });
        });
      delay(first, 300);
      // Longer than a timer can wait.
      delay(second, 60_000_000_000);
      core.limits.maxRunningTurns = 8;
      core.manager.switchRole('soon', 'worker');
      core.manager.switchRole('later', 'worker');
      await core.untilHandoff(first ?? 0, 'taken');
      assert.equal(core.handoff(second ?? 0).state, 'queued');
    });

    it('does not get it any more after its deadline', async () => {
      await team('lead', 'worker');
      const first = core.handOver('lead', 'worker', 'first');
      await core.untilHandoff(first, 'taken');
      const late = core.handOver('lead', 'worker', 'late', { deadline: Date.now() + 60_000 });
      const other = core.handOver('lead', 'worker', 'other');
      core.aheadMs = 60_000;
      core.runners.of('worker').endTurn();
      await core.untilHandoff(other, 'taken');
      assert.equal(core.lineOf(late), 'lead -> worker self failed read');
      assert.deepEqual(core.runners.of('worker').prompts, ['first', 'other']);
    });
  });

  describe('a worker that does not start', () => {
    it('gives its task back to the handoff that it was routed from, one attempt older', async () => {
      core.insert('lead', 3);
      const source = core.queue('planner', 'lead', 'do it', 'team');
      const workers: string[] = [];
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const [outcome] = await core.routing.backlog.drainInbox('lead');
        const worker = outcome?.sessionId ?? '';
        const [child] = core.store.handoffs.madeFor(source);
        assert.deepEqual([child?.to, child?.attempts], [worker, attempt - 1]);
        await core.firstPrompt(worker);
        core.runners.of(worker).refuse(new UserError('no licence'));
        await core.untilHandoff(child?.id ?? 0, 'failed');
        assert.equal(core.manager.resolve(worker).state, 'failed');
        workers.push(worker);
        if (attempt === MAX_ATTEMPTS) break;
        const back = core.handoff(source);
        assert.deepEqual([back.state, back.attempts], ['queued', attempt]);
        assert.equal(core.unread('lead'), 1);
        assert.equal(back.reason, 'Failed to start: no licence');
        core.aheadMs += retryDelayMs(attempt);
      }
      assert.equal(core.lineOf(source), 'planner -> lead team failed read');
      assert.deepEqual(told('lead'), [
        { type: 'response', answer: 'Failed: do it. Failed to start: no licence' },
      ]);
      // Their worktrees went with them.
      for (const id of workers) await core.until(id, ({ worktree }) => worktree === undefined);
    });

    it('gives it up the line when its lead has ended meanwhile', async () => {
      core.insert('grand', 4);
      core.insert('lead', 3);
      core.isLeadOf('grand', 'lead');
      const { sessionId, handoffId } = await core.assign('lead', 'do it');
      await core.firstPrompt(sessionId);
      await core.manager.stop('lead');
      core.runners.of(sessionId).refuse(new UserError('no licence'));
      await core.untilHandoff(handoffId, 'failed');
      const [back] = core.store.handoffs.queued('grand', 'team');
      assert.equal(core.lineOf(back?.id ?? 0), 'grand -> grand team queued unread');
      assert.equal(back?.attempts, 1);
    });

    it('is not started for a task whose deadline has passed', async () => {
      core.limits.maxRunningTurns = 0;
      core.insert('lead', 3);
      const deadline = Date.now() + 60_000;
      const source = core.handOver('lead-of-lead', 'lead', 'do it', { purpose: 'team', deadline });
      const [outcome] = await core.routing.backlog.drainInbox('lead');
      const worker = outcome?.sessionId ?? '';
      core.aheadMs = 60_000;
      core.limits.maxRunningTurns = 8;
      core.manager.switchRole(worker, 'worker');
      const { reason } = await core.until(worker, ({ state }) => state === 'failed');
      assert.match(reason ?? '', /deadline/);
      assert.equal(core.handoff(source).state, 'failed');
      assert.match(JSON.stringify(told('lead')), /Failed: do it\..*deadline/);
    });
  });

  describe('the work of a session that ends', () => {
    it('goes back to whoever sent it, for the team, with the reason', async () => {
      await team('lead', 'worker');
      core.limits.maxRunningTurns = 0;
      const id = core.handOver('lead', 'worker', 'do it', { priority: 'high' });
      await core.manager.stop('worker');
      assert.equal(core.lineOf(id), 'lead -> worker self withdrawn read');
      const [back] = core.store.handoffs.queued('lead', 'team');
      assert.ok(back);
      assert.equal(core.lineOf(back.id), 'lead -> lead team queued unread');
      assert.deepEqual(
        [back.priority, back.reason],
        ['high', 'Session worker is stopped before it took this.'],
      );
      assert.deepEqual(attention(), []);
    });

    it('is done by another one then, and the sender is told once', async () => {
      await team('lead', 'worker', 'other');
      core.limits.maxRunningTurns = 0;
      core.handOver('lead', 'worker', 'do it');
      await core.manager.stop('worker');
      core.limits.maxRunningTurns = 8;
      const [outcome] = await core.routing.backlog.drainInbox('lead');
      assert.equal(outcome?.sessionId, 'other');
      const [moved] = core.store.handoffs.openTo('other');
      await core.untilHandoff(moved?.id ?? 0, 'taken');
      core.runners.of('other').endTurn();
      await core.untilHandoff(outcome.handoffId, 'done');
      assert.deepEqual(told('lead'), [
        { type: 'completed', summary: 'Done: do it', filesChanged: [] },
      ]);
    });

    it('goes back to what it was routed from', async () => {
      await team('lead', 'worker');
      core.limits.maxRunningTurns = 0;
      const source = core.queue('planner', 'lead', 'do it', 'team');
      await core.routing.backlog.drainInbox('lead');
      assert.equal(core.handoff(source).state, 'routed');
      await core.manager.stop('worker');
      assert.equal(core.lineOf(source), 'planner -> lead team queued unread');
      assert.match(core.handoff(source).reason ?? '', /worker is stopped before it took this/);
      assert.deepEqual(core.waiting('lead', 'team'), ['do it']);
    });

    it('goes up the line when the sender has ended, too', async () => {
      await team('grand', 'lead');
      core.insert('worker', 1, { state: 'idle', presence: 'alive' });
      core.isLeadOf('lead', 'worker');
      await core.manager.adoptAll();
      core.limits.maxRunningTurns = 0;
      core.handOver('lead', 'worker', 'do it');
      await core.manager.stop('lead');
      await core.manager.stop('worker');
      const [back] = core.store.handoffs.queued('grand', 'team');
      assert.equal(core.lineOf(back?.id ?? 0), 'grand -> grand team queued unread');
    });

    it('goes up the line without turning it over: who asked whom stays as it was', async () => {
      await team('root', 'mid', 'sub');
      core.insert('worker', 1, { state: 'idle', presence: 'alive' });
      core.isLeadOf('root', 'mid');
      core.isLeadOf('mid', 'sub');
      core.isLeadOf('sub', 'worker');
      await core.manager.adoptAll();
      core.limits.maxRunningTurns = 0;
      core.handOver('sub', 'worker', 'do it');
      await core.manager.stop('sub');
      await core.manager.stop('worker');
      assert.equal(core.store.handoffs.queued('mid', 'team').length, 1);
      assert.equal(core.store.handoffs.parentOf('mid'), 'root');
      assert.deepEqual(core.manager.subtree('root'), ['root', 'mid', 'sub', 'worker']);
      await core.manager.stop('mid');
      assert.equal(core.store.handoffs.queued('root', 'team').length, 1);
      assert.deepEqual(core.store.handoffs.stranded(), []);
    });

    it('is stranded when everybody has ended, until a person gives it to somebody', async () => {
      await team('lead', 'worker', 'helper');
      core.limits.maxRunningTurns = 0;
      const id = core.handOver('lead', 'worker', 'do it', { priority: 'critical' });
      await core.manager.stop('lead');
      await core.manager.stop('worker');
      assert.equal(core.lineOf(id), 'lead -> worker self stranded unread');
      assert.deepEqual(
        core.store.handoffs.stranded().map((it) => it.id),
        [id],
      );
      assert.deepEqual(attention(), ['handoff-stranded worker']);
      const { messenger } = core.routing;
      messenger.markRead(id);
      assert.equal(core.store.messages.get(id)?.isRead, false);
      assert.throws(() => messenger.rescue(id, 'worker', 'self'), SessionEndedError);
      core.limits.maxRunningTurns = 8;
      const rescued = messenger.rescue(id, 'helper', 'self');
      assert.equal(core.lineOf(id), 'lead -> worker self withdrawn read');
      assert.equal(core.handoff(rescued).priority, 'critical');
      assert.deepEqual(attention(), []);
      await core.untilHandoff(rescued, 'taken');
      assert.deepEqual(core.runners.of('helper').prompts, ['do it']);
      assert.throws(() => messenger.rescue(rescued, 'helper', 'self'), HandoffStateError);
    });

    it('is stranded at once when a person sent it, and can be withdrawn', async () => {
      await team('worker');
      core.limits.maxRunningTurns = 0;
      const id = core.handOver(PERSON, 'worker', 'do it');
      await core.manager.stop('worker');
      assert.equal(core.handoff(id).state, 'stranded');
      assert.deepEqual(attention(), ['handoff-stranded worker']);
      assert.equal(core.manager.overview().handoffs.get('worker'), 1);
      core.routing.messenger.withdraw(id);
      assert.equal(core.lineOf(id), 'person -> worker self withdrawn read');
      assert.deepEqual(attention(), []);
      assert.equal(core.manager.overview().handoffs.get('worker'), undefined);
    });

    it('stays readable when the session is deleted, with who asked whom', async () => {
      await team('lead', 'middle');
      core.insert('worker', 1, { state: 'idle', presence: 'alive' });
      core.isLeadOf('middle', 'worker');
      await core.manager.adoptAll();
      core.limits.maxRunningTurns = 0;
      core.handOver('lead', 'middle', 'back to you');
      const own = core.handOver(PERSON, 'middle', 'do it');
      await assert.rejects(
        core.manager.delete('middle'),
        /^UserError: Cannot delete active session middle while it is idle/,
      );
      await core.manager.stop('middle');
      assert.deepEqual(core.waiting('lead', 'team'), ['back to you']);
      await core.manager.delete('middle');
      const { sessions, deleted, forest } = core.manager.overview();
      assert.equal(sessions.has('middle'), false);
      assert.equal(deleted.get('middle'), 'task of middle');
      assert.equal(core.store.messages.get(own)?.body?.type, 'task_handoff');
      assert.deepEqual(attention(), ['handoff-stranded middle']);
      assert.deepEqual(
        [forest.parents.get('worker'), forest.parents.get('middle'), forest.roots],
        ['middle', 'lead', ['lead']],
      );
      assert.deepEqual(core.manager.subtree('lead'), ['lead', 'worker']);
    });
  });

  describe('a session that is resumed', () => {
    /** A worker that was stopped before it began, so that its task went back to its lead. */
    async function stoppedWorker(): Promise<{ id: string; back: number }> {
      core.limits.maxRunningTurns = 0;
      core.insert('lead', 3);
      const { sessionId } = await core.assign('lead', 'do it');
      await core.manager.stop(sessionId);
      assert.equal(core.manager.resolve(sessionId).state, 'stopped');
      const [back] = core.store.handoffs.queued('lead', 'team');
      assert.ok(back);
      return { id: sessionId, back: back.id };
    }

    it('is refused while its task waits, or is done, somewhere else, and hears where', async () => {
      const { id } = await stoppedWorker();
      await assert.rejects(core.manager.resume(id), /has gone to lead meanwhile \(queued\)/);
      core.insert('other', 1, { state: 'idle', presence: 'asleep' });
      core.isLeadOf('lead', 'other');
      await core.routing.backlog.drainInbox('lead');
      await assert.rejects(core.manager.resume(id), /has gone to other meanwhile \(queued\)/);
      const [moved] = core.store.handoffs.openTo('other');
      core.settle(moved?.id ?? 0);
      await assert.rejects(core.manager.resume(id), /has been done by other meanwhile/);
      assert.equal(core.manager.resolve(id).state, 'stopped');
    });

    it('has its task again once it was withdrawn elsewhere', async () => {
      const { id, back } = await stoppedWorker();
      core.routing.messenger.withdraw(back);
      core.limits.maxRunningTurns = 8;
      await core.manager.resume(id);
      const { text } = await core.firstPrompt(id);
      assert.match(text, /^do it\n/);
      const { initialHandoffId = 0 } = core.manager.resolve(id);
      assert.equal(core.lineOf(initialHandoffId), `lead -> ${id} self queued unread`);
      await core.runners.of(id).begin();
      await core.untilHandoff(initialHandoffId, 'taken');
      core.runners.of(id).endTurn();
      await core.untilHandoff(initialHandoffId, 'done');
    });

    it('is refused when it is idle, running or completed; pending is no error', async () => {
      core.insert('idle', 1, { state: 'idle', presence: 'alive' });
      core.insert('running', 1);
      core.insert('completed', 1, { state: 'completed' });
      core.insert('pending', 1, { state: 'pending' });
      await assert.rejects(core.manager.resume('idle'), /while it is idle/);
      await assert.rejects(core.manager.resume('running'), {
        message: 'Session is already running: running',
      });
      await assert.rejects(core.manager.resume('completed'), {
        message: 'Completed sessions cannot be resumed: completed',
      });
      await core.manager.resume('pending');
      assert.equal(core.manager.resolve('pending').state, 'pending');
    });

    it('is refused when its folder is gone', async () => {
      const workingDir = `${core.root}/gone`;
      core.insert('lost', 1, { state: 'failed', workingDir });
      await assert.rejects(core.manager.resume('lost'), /gone of session lost is gone/);
      assert.equal(core.manager.resolve('lost').state, 'failed');
    });
  });

  describe('the next window', () => {
    it('starts a worker that was never started, with its task', async () => {
      core.insert('lead', 3);
      const { sessionId, handoffId } = await core.assign('lead', 'do it');
      await core.firstPrompt(sessionId);
      await core.reopen();
      assert.equal(core.manager.resolve(sessionId).state, 'pending');
      assert.equal(core.handoff(handoffId).state, 'queued');
      await core.manager.adoptAll();
      await core.runners.of(sessionId).begin();
      await core.untilHandoff(handoffId, 'taken');
    });

    it('delivers what was queued, and sees that something was taken meanwhile', async () => {
      await team('lead', 'one', 'two');
      core.limits.maxRunningTurns = 0;
      const waits = core.handOver('lead', 'one', 'waits');
      const taken = core.handOver('lead', 'two', 'taken');
      await core.close();
      // The window had sent it, and did not see the answer any more.
      core.runners.of('two').report({
        type: 'turn-started',
        commandId: `handoff:${taken}:0`,
        prompt: 'taken',
      });
      core.runners.of('two').endTurn();
      core.limits.maxRunningTurns = 8;
      await core.reopen();
      await core.manager.adoptAll();
      core.routing.start();
      await core.untilHandoff(waits, 'taken');
      await core.untilHandoff(taken, 'done');
      assert.deepEqual(core.runners.of('two').prompts, ['taken']);
    });
  });
});
