import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { exists } from '../../src/base/files';
import { MAX_ATTEMPTS, retryDelayMs } from '../../src/domain/handoff';
import { PERSON } from '../../src/domain/message';
import { isActive } from '../../src/domain/session';
import { BROKEN } from '../support/agents';
import { TestCore } from '../support/core';

const isIdle = (session: { state: string }): boolean => session.state === 'idle';

describe('Work that is given to real agents', () => {
  let core: TestCore;

  beforeEach(async () => {
    core = await TestCore.open([BROKEN]);
  });
  afterEach(() => core.dispose());

  /** A session that is idle after its first turn. */
  async function idle(useWorktree = false): Promise<string> {
    const id = await core.start('say hello', useWorktree);
    await core.until(id, isIdle);
    return id;
  }

  /** What was told to a session, the newest first. */
  const told = (id: string): unknown[] => core.routing.messenger.inbox(id).map(({ body }) => body);

  /** A worker of a lead, with a task that takes until somebody ends it, and that it has begun. */
  async function busyWorker(lead: string): Promise<{ worker: string; handoffId: number }> {
    const { sessionId, handoffId } = await core.assign(lead, 'wait 600');
    await core.untilHandoff(handoffId, 'taken');
    return { worker: sessionId, handoffId };
  }

  describe('a handoff', () => {
    it('is a turn of the same conversation, by priority, then by age', async () => {
      const id = await core.start('say the first words\nwait 0.3');
      const low = core.handOver(PERSON, id, 'say low', { priority: 'low' });
      const older = core.handOver(PERSON, id, 'say older');
      const newer = core.handOver(PERSON, id, 'recall');
      const high = core.handOver(PERSON, id, 'say high', { priority: 'high' });
      for (const handoffId of [high, older, newer, low]) await core.untilHandoff(handoffId, 'done');
      const { pid, conversationId } = core.manager.resolve(id);
      assert.ok(pid && conversationId);
      assert.deepEqual(
        core.store.turns.list(id).map((turn) => turn.handoffId),
        [undefined, high, older, newer, low],
      );
      let said = '';
      for await (const event of core.manager.events(id)) {
        if (event.type === 'text') said += event.text;
      }
      assert.match(said, /high[^]*older[^]*the first words[^]*low/);
    });

    it('is done by a new worker in a worktree of its own, and the lead hears what it did', async () => {
      const lead = await idle();
      const { sessionId, handoffId, action } = await core.assign(
        lead,
        'write made.txt by the worker\nsay I made it.',
      );
      assert.equal(action, 'spawned');
      await core.untilHandoff(handoffId, 'done');
      const worker = core.manager.resolve(sessionId);
      assert.ok(worker.worktree);
      assert.equal(worker.state, 'idle');
      await fs.access(path.join(worker.worktree.path, 'made.txt'));
      assert.equal(await exists(path.join(core.repository, 'made.txt')), false);
      const [completed] = told(lead) as { summary: string; filesChanged: string[] }[];
      // The agent tells the context that it was given, too.
      assert.match(completed?.summary ?? '', /I made it\./);
      assert.deepEqual(completed?.filesChanged, ['made.txt']);
      const again = await core.assign(lead, 'say again');
      assert.deepEqual([again.action, again.sessionId], ['reused_idle', sessionId]);
      await core.untilHandoff(again.handoffId, 'done');
    });

    it('whose agent does not start is tried 3 times, with pauses, and then has failed', async () => {
      const lead = await idle();
      const first = await core.assign(lead, 'do it', { agentType: 'broken' });
      const workers = [first.sessionId];
      let source = 0;
      for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
        await core.until(workers.at(-1) ?? '', ({ state }) => state === 'failed');
        const [back] = core.store.handoffs.queued(lead, 'team');
        assert.ok(back);
        source = back.id;
        assert.equal(back.attempts, attempt);
        assert.match(back.reason ?? '', /^Failed to start: .*no licence found/);
        const wait = (back.after ?? 0) - Date.now() - core.aheadMs;
        assert.ok(wait > 0 && wait <= retryDelayMs(attempt), `${wait} ms`);
        assert.deepEqual(await core.routing.backlog.drainInbox(lead), []);
        core.aheadMs += retryDelayMs(attempt);
        const [outcome] = await core.routing.backlog.drainInbox(lead);
        assert.equal(outcome?.action, 'spawned', outcome?.error);
        workers.push(outcome.sessionId);
      }
      await core.untilHandoff(source, 'failed');
      assert.deepEqual(core.store.handoffs.queued(lead, 'team'), []);
      assert.equal(new Set(workers).size, MAX_ATTEMPTS);
      const [response, ...more] = told(lead).filter(
        (body) => (body as { type: string }).type === 'response',
      ) as { answer: string }[];
      assert.match(response?.answer ?? '', /^Failed: do it\. Failed to start: .*no licence found/);
      assert.deepEqual(more, []);
      assert.deepEqual(
        core.store.attention.open().map(({ kind }) => kind),
        ['handoff-failed'],
      );
    });

    it('whose agent does not start is tried again by itself, with auto-dispatch off', async () => {
      const lead = await idle();
      core.routing.start();
      await core.assign(lead, 'do it', { agentType: 'broken' });
      const [back] = await core.when(() => {
        const queued = core.store.handoffs.queued(lead, 'team');
        return queued[0]?.attempts === 1 ? queued : undefined;
      });
      assert.ok(back);
      // It is on its way again as soon as its pause is over.
      await core.untilHandoff(back.id, 'routed');
      const [again] = core.store.handoffs.madeFor(back.id);
      assert.deepEqual([again?.state, again?.attempts], ['queued', 1]);
    });

    it('that waits past its deadline fails with the next heartbeat, and its sender is told', async () => {
      const lead = await idle();
      const other = await idle();
      const deadline = Date.now() + 60_000;
      const body = {
        task: 'say late',
        context: '',
        priority: 'normal',
        agentType: undefined,
      } as const;
      const id = core.routing.messenger.send({
        from: other,
        to: lead,
        body: { type: 'task_handoff', ...body },
        purpose: 'team',
        deadline,
      });
      await core.routing.coordinator.beat();
      assert.equal(core.handoff(id).state, 'queued');
      core.aheadMs += 61_000;
      await core.routing.coordinator.beat();
      assert.equal(core.handoff(id).state, 'failed');
      assert.match(JSON.stringify(told(other)), /Its deadline has passed/);
    });

    it('that its agent dies of has failed, and is not tried again', async () => {
      const lead = await idle();
      const { sessionId, handoffId } = await core.assign(lead, 'say so far\ncrash');
      const { attempts } = await core.untilHandoff(handoffId, 'failed');
      assert.equal(attempts, 0);
      await core.until(sessionId, ({ state }) => state === 'failed');
      assert.deepEqual(core.store.handoffs.queued(lead, 'team'), []);
      assert.match(JSON.stringify(told(lead)[0]), /"response".*Failed: say so far/);
    });

    it('that was queued, or whose worker was not started, is taken in the next window', async () => {
      const lead = await idle();
      core.limits.maxRunningTurns = 0;
      const queued = core.handOver(PERSON, lead, 'say queued');
      const { sessionId, handoffId } = await core.assign(lead, 'say started late');
      await core.reopen();
      assert.deepEqual(
        [core.handoff(queued).state, core.manager.resolve(sessionId).state],
        ['queued', 'pending'],
      );
      core.limits.maxRunningTurns = 8;
      await core.manager.adoptAll();
      core.routing.start();
      await core.untilHandoff(queued, 'done');
      await core.untilHandoff(handoffId, 'done');
    });
  });

  describe('what is over a limit', () => {
    it('waits as pending, the oldest first, and all is done in the end', async () => {
      core.limits.maxRunningTurns = 1;
      const created = [];
      for (const task of ['wait 0.2', 'say two', 'say three']) {
        const folder = core.repository;
        const wanted = { task, agentType: 'rehearsal', useWorktree: false, folder };
        created.push(await core.manager.create(wanted));
      }
      let most = 0;
      const subscription = core.store.onDidChange(() => {
        most = Math.max(most, core.store.sessions.runningIds().length);
      });
      await created[0]?.started;
      const ids = created.map(({ id }) => id);
      assert.deepEqual(core.store.sessions.pendingIds(), ids.slice(1));
      const handed = core.handOver(PERSON, ids[0] ?? '', 'say four');
      for (const id of ids) await core.until(id, isIdle);
      await core.untilHandoff(handed, 'done');
      subscription.dispose();
      assert.equal(most, 1);
      const begun = ids.map((id) => core.store.turns.list(id)[0]?.startedAt ?? 0);
      assert.deepEqual(
        begun,
        begun.toSorted((a, b) => a - b),
      );
    });

    it('waits for a worktree, while what needs none goes ahead', async () => {
      core.limits.maxParallelWorktrees = 1;
      const first = await idle(true);
      const folder = core.repository;
      const wanted = { task: 'say two', agentType: 'rehearsal', useWorktree: true, folder };
      const second = await core.manager.create(wanted);
      await idle();
      assert.equal(core.manager.resolve(second.id).state, 'pending');
      assert.equal(core.manager.resolve(second.id).worktree, undefined);
      await core.manager.finish(first);
      await second.started;
      assert.ok(core.manager.resolve(second.id).worktree);
    });
  });

  describe('stopping a team', () => {
    it('stops everything below, and nothing else', async () => {
      const lead = await idle();
      const other = await idle();
      const { worker } = await busyWorker(lead);
      const { worker: below } = await busyWorker(worker);
      const { worker: stranger } = await busyWorker(other);
      const stopped = await core.manager.stopTeam(lead);
      assert.deepEqual([...stopped].sort(), [lead, worker, below].sort());
      for (const id of stopped) {
        assert.equal(core.manager.resolve(id).state, 'stopped');
        assert.deepEqual(await core.lasting(id), []);
      }
      assert.equal(core.manager.resolve(other).state, 'idle');
      assert.equal(core.manager.resolve(stranger).state, 'running');
      assert.deepEqual(await core.manager.stopTeam(lead), []);
    });

    it('takes no worker that its lead would still hand work to, and starts no other one', async () => {
      core.limits.isAutoDispatching = true;
      // It takes a while to end, its worker does not.
      const lead = await core.start('ignore-sigterm\nwait 600');
      const { worker } = await busyWorker(lead);
      const waiting = core.handOver(lead, worker, 'say more');
      core.limits.maxRunningTurns = 2;
      const pending = await core.assign(lead, 'say pending');
      core.limits.maxRunningTurns = 8;
      await core.manager.stopTeam(lead);
      const left = core.manager.subtree(lead).filter((id) => {
        return isActive(core.manager.resolve(id).state);
      });
      assert.deepEqual(left, []);
      assert.equal(core.manager.resolve(pending.sessionId).appliedSeq, 0);
      assert.notEqual(core.handoff(waiting).state, 'queued');
      // Nothing of it is lost.
      assert.equal(core.store.handoffs.stranded().length, 2);
    });
  });

  describe('a worktree', () => {
    it('can be cleaned up when nothing would be lost, and its branch stays known', async () => {
      const id = await core.start('wait 600', true);
      const { worktree } = core.manager.resolve(id);
      assert.ok(worktree);
      await core.manager.cleanUpWorktree(id);
      const session = core.manager.resolve(id);
      assert.deepEqual(
        [session.state, session.worktree, session.formerWorktree],
        ['stopped', undefined, worktree],
      );
      assert.equal(await exists(worktree.path), false);
      await assert.rejects(core.manager.resume(id), /was cleaned up.*deputy\//);
      await core.manager.cleanUpWorktree(id);
      await core.manager.delete(id);
    });

    it('with work that is nowhere else is neither cleaned up nor deleted', async () => {
      const id = await core.start('write made.txt x', true);
      const { worktree } = await core.until(id, isIdle);
      assert.ok(worktree);
      await assert.rejects(core.manager.cleanUpWorktree(id), /made\.txt/);
      assert.equal(core.manager.resolve(id).state, 'stopped');
      await assert.rejects(core.manager.delete(id), /made\.txt/);
      await core.manager.resume(id);
      await core.until(id, isIdle);
      await core.manager.sendPrompt(id, 'commit All of it');
      await core.until(id, (it) => isIdle(it) && it.metrics.toolCalls === 3);
      // Its base has not got the commit.
      await assert.rejects(core.manager.cleanUpWorktree(id), /1 commit/);
      assert.deepEqual(core.manager.resolve(id).worktree, worktree);
      await fs.access(path.join(worktree.path, 'made.txt'));
    });

    it('is where a session that was stopped goes on', async () => {
      const lead = await idle();
      const { worker, handoffId } = await busyWorker(lead);
      const before = core.manager.resolve(worker);
      await core.manager.stop(worker);
      assert.equal(core.handoff(handoffId).state, 'failed');
      await core.manager.resume(worker);
      await core.untilHandoff(handoffId, 'taken');
      const after = core.manager.resolve(worker);
      assert.deepEqual(after.worktree, before.worktree);
      assert.equal((await core.launch(worker)).cwd, before.workingDir);
      assert.notEqual(after.pid, before.pid);
    });
  });

  describe('what goes on by itself', () => {
    it('ends a session whose agent has done nothing for too long, but none that waits for a person', async () => {
      // Else the jump of the clock would look as if the machine had slept.
      core.limits.heartbeatMs = core.limits.sessionTimeoutMs;
      const lead = await idle();
      const { worker, handoffId } = await busyWorker(lead);
      const asking = await core.start('ask may I?\nsay thanks');
      const { requests } = await core.until(asking, (it) => it.requests.length === 1);
      await core.routing.coordinator.beat();
      assert.equal(core.manager.resolve(worker).state, 'running');
      core.aheadMs = core.limits.sessionTimeoutMs + 60_000;
      await core.routing.coordinator.beat();
      const ended = core.manager.resolve(worker);
      assert.equal(ended.state, 'failed');
      assert.match(ended.reason ?? '', /^Timed out: its agent did nothing for 61 minutes/);
      assert.deepEqual(await core.lasting(worker), []);
      assert.equal(core.handoff(handoffId).state, 'failed');
      assert.equal(core.manager.resolve(lead).state, 'idle');
      assert.equal(core.manager.resolve(asking).state, 'running');
      await core.manager.answer(asking, requests[0]?.requestId ?? '', 'once');
      await core.until(asking, isIdle);
    });

    it('does not count the silence of a night in which the machine slept', async () => {
      const id = await core.start('wait 600');
      core.aheadMs = 10 * core.limits.sessionTimeoutMs;
      await core.routing.coordinator.beat();
      assert.equal(core.manager.resolve(id).state, 'running');
    });

    it('hands on what waits for a team as soon as one of it is free, when that is on', async () => {
      core.limits.maxDelegatesPerLead = 1;
      const lead = await idle();
      const { sessionId } = await core.assign(lead, 'wait 0.3');
      const { handoffId } = await core.assign(lead, 'say at last');
      // The worker has not taken its own task yet, or is at it.
      assert.equal(core.handoff(handoffId).purpose, sessionId === lead ? 'self' : 'team');
      core.limits.isAutoDispatching = true;
      await core.untilHandoff(handoffId, 'done');
      const [made] = core.store.handoffs.madeFor(handoffId);
      assert.deepEqual([made?.to, made?.reason], [sessionId, 'reused idle delegate']);
      const kinds = core.store.activity.latest(10).map(({ kind, detail }) => `${kind}: ${detail}`);
      assert.ok(kinds.includes('dispatch: 1 lead, 1 routed, 0 moved'), kinds.join('\n'));
    });

    it('hands on no more at the end of a turn than a pass may', async () => {
      core.limits.isAutoDispatching = true;
      core.limits.autoDispatchLimitPerSession = 1;
      const lead = await core.start('wait 0.3');
      const ids = ['one', 'two'].map((word) =>
        core.handOver(PERSON, lead, `say ${word}`, { purpose: 'team' }),
      );
      const [first = 0, second = 0] = ids;
      const other = await core.when(() =>
        core.handoff(first).state === 'done' ? core.handoff(second).state : undefined,
      );
      assert.equal(other, 'queued');
      // The end of the first worker's turn has the second one routed.
      await core.untilHandoff(second, 'done');
    });

    it('leaves what waits alone when that is off', async () => {
      const lead = await idle();
      core.handOver(PERSON, lead, 'say nothing', { purpose: 'team' });
      await core.manager.sendPrompt(lead, 'say done');
      await core.until(lead, isIdle);
      await core.routing.coordinator.beat();
      assert.equal(core.store.handoffs.queued(lead, 'team').length, 1);
      assert.deepEqual(core.store.activity.latest(10), []);
    });

    it('records each pass with what it did', async () => {
      core.limits.isAutoDispatching = true;
      const lead = await idle();
      core.handOver(PERSON, lead, 'say it', { purpose: 'team' });
      await core.routing.coordinator.beat();
      const activity = core.store.activity.latest(10);
      assert.deepEqual(
        activity.map(({ kind, detail }) => [kind, detail.replace(/[0-9a-f]{8}/g, 'ID')]),
        [
          ['rebalance', '0 leads, 0 routed, 0 moved'],
          ['dispatch', '1 lead, 1 routed, 0 moved'],
          ['assign', 'ID: handoff 2 to ID: spawned new delegate'],
        ],
      );
      const { dispatched, remaining } = await core.routing.coordinator.coordinate();
      assert.deepEqual(dispatched, []);
      assert.ok(remaining.handoffs <= 1);
      assert.equal(core.store.activity.latest(1)[0]?.kind, 'coordinate');
    });
  });

  describe('the tool log', () => {
    it('has what agents did, with its risk, the newest first', async () => {
      const id = await core.start(
        'write a.txt hello\nread a.txt\nrun git status\nread missing.txt\ndelete a.txt',
      );
      await core.until(id, isIdle);
      const entries = core.store.toolLog.page(id, 1, 10);
      assert.deepEqual(
        entries.map(({ toolName }) => toolName),
        ['delete', 'read', 'execute', 'read', 'edit'],
      );
      const [, missing, run] = entries;
      assert.match(run?.inputSummary ?? '', /git status/);
      assert.match(run?.outputSummary ?? '', /branch main/);
      assert.match(missing?.inputSummary ?? '', /missing\.txt/);
      assert.equal(run?.riskScore, 0.2);
      assert.equal(core.manager.resolve(id).metrics.toolCalls, 5);
      for (const { durationMs, timestamp } of entries) assert.ok(durationMs >= 0 && timestamp > 0);
    });

    it('has a call that the agent died in', async () => {
      const id = await core.start('run sleep 600');
      await core.heard(id, (event) => event.type === 'tool-call');
      assert.equal(core.store.toolLog.count(id), 0);
      await core.manager.stop(id);
      const [entry] = core.store.toolLog.page(id, 1, 10);
      assert.match(entry?.inputSummary ?? '', /sleep 600/);
    });
  });
});
