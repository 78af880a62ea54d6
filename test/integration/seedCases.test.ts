import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { exists } from '../../src/base/files';
import { formatSessionStatus, formatTeamStatus } from '../../src/domain/status';
import { TestCore } from '../support/core';
import { HeldCore } from '../support/heldCore';
import { makeSession } from '../support/sessions';

/** A task that takes until somebody ends it. */
const LASTING = 'wait 600';

/** The cases that came with the order for the session manager, each under the name it has there. */
describe('The session manager that was asked for', () => {
  describe('with real agents', () => {
    let core: TestCore;

    beforeEach(async () => {
      core = await TestCore.open();
    });
    afterEach(() => core.dispose());

    /** Starts a session in a worktree of its own, and stops it; the worktree's folder. */
    async function stoppedInWorktree(): Promise<{ id: string; folder: string }> {
      const id = await core.start(LASTING, true);
      await core.manager.stop(id);
      const { worktree } = core.manager.resolve(id);
      assert.ok(worktree);
      assert.ok(await exists(worktree.path));
      return { id, folder: worktree.path };
    }

    it('create_session_spawns_process_and_marks_session_running', async () => {
      const task = `write where.txt here\n${LASTING}`;
      const id = await core.start(task);
      const session = core.manager.resolve(id);
      assert.equal(session.state, 'running');
      assert.ok(session.pid);
      assert.ok((await core.processes(id)).includes(session.pid));
      assert.deepEqual(await promptsOf(core, id), [task]);
      await core.until(id, ({ metrics }) => metrics.toolCalls === 1);
      await core.heard(id, (event) => event.type === 'tool-update' && event.status === 'completed');
      assert.ok(await exists(path.join(core.repository, 'where.txt')));
      await core.manager.stop(id);
    });

    it('stop_session_kills_process_and_optionally_cleans_worktree', async () => {
      const { id } = await stoppedInWorktree();
      const kept = core.manager.resolve(id);
      assert.equal(kept.state, 'stopped');
      assert.equal(kept.pid, undefined);
      assert.deepEqual(await core.lasting(id), []);

      const other = await core.start(LASTING, true);
      const folder = core.manager.resolve(other).worktree?.path ?? '';
      assert.ok(await exists(folder));
      await core.manager.stop(other, true);
      assert.equal(await exists(folder), false);
      assert.deepEqual(await core.lasting(other), []);
    });

    it('resume_session_requeues_failed_session', async () => {
      const workingDir = path.join(core.root, 'resume-working-dir');
      await fs.mkdir(workingDir);
      const task = `say resume previous task\n${LASTING}`;
      const failed = makeSession({
        id: 'deadbeef',
        task,
        workingDir,
        state: 'failed',
        pid: 31_337,
      });
      core.store.mutate(() => core.store.sessions.insert(failed));
      await core.manager.resume('deadbeef');
      const resumed = core.manager.resolve('deadbeef');
      assert.equal(resumed.state, 'pending');
      assert.equal(resumed.pid, undefined);
      await core.until('deadbeef', ({ state }) => state === 'running');
      const { sessionId, cwd } = await core.launch('deadbeef');
      assert.equal(sessionId, 'deadbeef');
      assert.equal(cwd, workingDir);
      // The runner empties the file's task once it has it; what it gave the agent is an event.
      assert.deepEqual(await promptsOf(core, 'deadbeef'), [task]);
    });

    it('cleanup_session_worktree_removes_path_and_clears_metadata', async () => {
      const { id, folder } = await stoppedInWorktree();
      await core.manager.cleanUpWorktree(id);
      assert.equal(core.manager.resolve(id).worktree, undefined);
      assert.equal(await exists(folder), false);
    });

    it('delete_session_removes_inactive_session_and_worktree', async () => {
      const { id, folder } = await stoppedInWorktree();
      await core.manager.delete(id);
      assert.equal(core.store.sessions.get(id), undefined);
      assert.equal(await exists(folder), false);
    });
  });

  describe('with starts and deliveries held back', () => {
    let core: HeldCore;

    beforeEach(async () => {
      core = await HeldCore.open();
      core.limits.maxDelegatesPerLead = 4;
      core.limits.maxParallelWorktrees = 4;
    });
    afterEach(() => core.dispose());

    /** A lead, and a delegate of it with that many queued handoffs. */
    function leadWith(id: string, state: 'idle' | 'running', queued: number): void {
      core.insert('lead', 3);
      core.insert(id, 2, { state });
      if (queued === 0) core.isLeadOf('lead', id);
      for (let i = 0; i < queued; i++) core.queue('lead', id, `existing work ${i}`);
    }

    it('get_status_supports_latest_alias', () => {
      core.insert('older', 2);
      core.insert('newer', 0, { state: 'idle' });
      assert.equal(core.manager.status('latest').session.id, 'newer');
    });

    it('get_status_surfaces_handoff_lineage', () => {
      core.insert('parent', 2);
      core.insert('child', 1, { state: 'pending' });
      core.insert('sibling', 0, { state: 'idle' });
      core.queue('parent', 'child', 'Review auth flow');
      core.queue('parent', 'sibling', 'Check billing');
      assert.match(
        formatSessionStatus(core.manager.status('parent')),
        /^Children: sibling, child$/m,
      );
      assert.equal(core.manager.status('child').parent, 'parent');
    });

    it('get_team_status_groups_delegated_children', () => {
      core.insert('lead', 3);
      core.insert('worker-a', 2);
      core.insert('worker-b', 1, { state: 'pending' });
      core.insert('reviewer', 0, { state: 'completed' });
      core.queue('lead', 'worker-a', 'Implement auth');
      core.queue('lead', 'worker-b', 'Check billing');
      core.queue('worker-a', 'reviewer', 'Review auth');
      const text = formatTeamStatus(core.manager.teamStatus('lead', 2));
      assert.match(text, /^Lead: lead \[running\]$/m);
      assert.match(text, /^ {2}Running:\n.*worker-a/m);
      assert.match(text, /^ {2}Pending:\n.*worker-b/m);
      assert.match(text, /^ {2}Completed:\n.*reviewer/m);
    });

    it('assign_session_reuses_idle_delegate_when_available', async () => {
      leadWith('idle-worker', 'idle', 0);
      const outcome = await core.assign('lead', 'Review billing edge cases');
      assert.equal(outcome.sessionId, 'idle-worker');
      assert.equal(outcome.action, 'reused_idle');
      assert.deepEqual(core.waiting('idle-worker'), ['Review billing edge cases']);
    });

    it('assign_session_spawns_instead_of_reusing_backed_up_idle_delegate', async () => {
      leadWith('idle-worker', 'idle', 1);
      const outcome = await core.assign('lead', 'Fresh delegated task');
      assert.equal(outcome.action, 'spawned');
      assert.notEqual(outcome.sessionId, 'idle-worker');
      assert.deepEqual(core.waiting('idle-worker'), ['existing work 0']);
      assert.deepEqual(core.waiting(outcome.sessionId), ['Fresh delegated task']);
    });

    it('assign_session_spawns_when_team_has_capacity', async () => {
      leadWith('busy-worker', 'running', 1);
      const outcome = await core.assign('lead', 'New delegated task');
      assert.equal(outcome.action, 'spawned');
      assert.notEqual(outcome.sessionId, 'busy-worker');
      assert.equal(core.manager.resolve(outcome.sessionId).state, 'pending');
      assert.deepEqual(core.waiting(outcome.sessionId), ['New delegated task']);
    });

    it('assign_session_defers_when_team_is_saturated', async () => {
      core.limits.maxDelegatesPerLead = 1;
      leadWith('busy-worker', 'running', 1);
      const outcome = await core.assign('lead', 'New delegated task');
      assert.equal(outcome.action, 'deferred_saturated');
      assert.equal(outcome.sessionId, 'lead');
      assert.deepEqual(core.waiting('busy-worker'), ['existing work 0']);
    });

    it('drain_inbox_routes_unread_task_handoffs_and_marks_them_read', async () => {
      core.insert('lead', 3);
      core.queue('planner', 'lead', 'Review auth changes', 'team');
      const outcomes = await core.routing.backlog.drainInbox('lead', 5);
      assert.deepEqual(
        outcomes.map(({ task, action }) => [task, action]),
        [['Review auth changes', 'spawned']],
      );
      assert.equal(core.unread('lead'), 0);
      assert.deepEqual(core.waiting(outcomes[0]?.sessionId ?? ''), ['Review auth changes']);
    });

    it('drain_inbox_leaves_saturated_handoffs_unread', async () => {
      core.limits.maxDelegatesPerLead = 1;
      leadWith('busy-worker', 'running', 1);
      core.queue('planner', 'lead', 'Review auth changes', 'team');
      const outcomes = await core.routing.backlog.drainInbox('lead', 5);
      assert.deepEqual(
        outcomes.map(({ task, action, sessionId }) => [task, action, sessionId]),
        [['Review auth changes', 'deferred_saturated', 'lead']],
      );
      assert.equal(core.unread('lead'), 1);
      assert.equal(core.unread('busy-worker'), 1);
      assert.deepEqual(core.waiting('busy-worker'), ['existing work 0']);
    });

    /** Two leads, each with one task in its inbox. */
    function twoLeads(): void {
      for (const id of ['lead-a', 'lead-b']) core.insert(id, 3);
      core.queue('planner', 'lead-a', 'Review auth', 'team');
      core.queue('planner', 'lead-b', 'Review billing', 'team');
    }

    it('auto_dispatch_backlog_routes_multiple_lead_inboxes', async () => {
      twoLeads();
      const dispatched = await core.routing.backlog.autoDispatch(10);
      assert.deepEqual(
        dispatched.map(({ leadId, queued, outcomes }) => [
          leadId,
          queued,
          outcomes.map(({ action }) => action),
        ]),
        [
          ['lead-a', 1, ['spawned']],
          ['lead-b', 1, ['spawned']],
        ],
      );
      assert.deepEqual(core.store.handoffs.backlog(10), []);
    });

    it('coordinate_backlog_reports_remaining_backlog_after_limited_pass', async () => {
      twoLeads();
      const { dispatched, rebalanced, remaining } = await core.routing.backlog.coordinate(1);
      assert.equal(dispatched.length, 1);
      assert.equal(rebalanced.length, 0);
      assert.deepEqual(remaining, { sessions: 2, handoffs: 2, absorbable: 2, saturated: 0 });
    });

    it('coordinate_backlog_classifies_remaining_saturated_pressure', async () => {
      core.limits.maxDelegatesPerLead = 1;
      core.limits.autoDispatchLimitPerSession = 1;
      core.insert('worker', 3);
      core.insert('worker-child', 2);
      core.isLeadOf('worker', 'worker-child');
      core.queue('planner', 'worker', 'task-a', 'team');
      core.queue('planner', 'worker', 'task-b', 'team');
      const { remaining } = await core.routing.backlog.coordinate(10);
      assert.deepEqual(remaining, { sessions: 2, handoffs: 2, absorbable: 1, saturated: 1 });
    });

    it('rebalance_team_backlog_moves_work_off_backed_up_delegate', async () => {
      core.limits.maxDelegatesPerLead = 2;
      core.insert('lead', 4);
      core.insert('worker-a', 3, { state: 'idle', presence: 'asleep' });
      core.insert('worker-b', 2, { state: 'idle', presence: 'asleep' });
      core.queue('lead', 'worker-a', 'Review auth flow');
      core.queue('lead', 'worker-a', 'Check billing integration');
      core.isLeadOf('lead', 'worker-b');
      const moves = await core.routing.backlog.rebalanceTeam('lead', 5);
      assert.deepEqual(
        moves.map(({ fromSessionId, sessionId, action }) => [fromSessionId, sessionId, action]),
        [['worker-a', 'worker-b', 'reused_idle']],
      );
      assert.equal(core.unread('worker-a'), 1);
      assert.equal(core.unread('worker-b'), 1);
      assert.deepEqual(core.waiting('worker-b'), ['Review auth flow']);
    });
  });
});

/** What the session's agent was told, in order. */
async function promptsOf(core: TestCore, id: string): Promise<string[]> {
  const prompts: string[] = [];
  for await (const event of core.manager.events(id)) {
    if (event.type === 'turn-started') prompts.push(event.prompt);
  }
  return prompts;
}
