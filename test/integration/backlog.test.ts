import assert from 'node:assert/strict';
import type { AgentDefinition } from '../../src/domain/agent';
import { MAX_ATTEMPTS } from '../../src/domain/handoff';
import { PERSON, type Priority } from '../../src/domain/message';
import { InvalidLimitError, SessionEndedError } from '../../src/routing/errors';
import { SessionNotFoundError } from '../../src/session/errors';
import { OTHER } from '../support/agents';
import { HeldCore } from '../support/heldCore';
import { makeHandoff } from '../support/stores';

describe('Backlog', () => {
  let core: HeldCore;
  /** The agents that the settings name; a test may take one out. */
  let agents: AgentDefinition[];

  beforeEach(async () => {
    agents = [OTHER];
    core = await HeldCore.open(agents);
  });
  afterEach(() => core.dispose());

  const asleep = { state: 'idle', presence: 'asleep' } as const;

  /** Puts a handoff with a priority into an inbox, for the team. */
  function backlog(to: string, task: string, priority: Priority = 'normal'): number {
    return core.handOver(PERSON, to, task, { purpose: 'team', priority });
  }

  /** A lead whose team is full, and busy. */
  function saturatedLead(id = 'lead'): void {
    core.limits.maxDelegatesPerLead = 1;
    core.insert(id, 9);
    core.insert(`${id}-busy`, 8);
    core.queue(id, `${id}-busy`, 'existing work');
  }

  describe('draining an inbox', () => {
    it('goes by priority, then by age, up to the limit', async () => {
      core.insert('lead', 1);
      backlog('lead', 'normal 1');
      backlog('lead', 'low', 'low');
      backlog('lead', 'critical', 'critical');
      backlog('lead', 'normal 2');
      backlog('lead', 'high', 'high');
      const first = await core.routing.backlog.drainInbox('lead', 2);
      assert.deepEqual(
        first.map(({ task }) => task),
        ['critical', 'high'],
      );
      assert.deepEqual(core.waiting('lead', 'team'), ['normal 1', 'normal 2', 'low']);
      const rest = await core.routing.backlog.drainInbox('lead');
      assert.deepEqual(
        rest.map(({ task }) => task),
        ['normal 1', 'normal 2', 'low'],
      );
      assert.deepEqual(core.waiting('lead', 'team'), []);
    });

    it('has those start first that it routed first, also when it made them at once', async () => {
      core.limits.maxRunningTurns = 0;
      core.insert('lead', 1);
      for (const priority of ['low', 'high', 'normal', 'critical'] as const) {
        backlog('lead', priority, priority);
      }
      const outcomes = await core.routing.backlog.drainInbox('lead');
      // As if all of it had taken no time.
      core.store.mutate(() => {
        for (const { sessionId } of outcomes) {
          core.store.sessions.update({ ...core.manager.resolve(sessionId), createdAt: 1 });
        }
      });
      assert.deepEqual(
        core.store.sessions.pendingIds().map((id) => core.manager.resolve(id).task),
        ['critical', 'high', 'normal', 'low'],
      );
    });

    it('leaves what is for the lead itself alone', async () => {
      core.insert('lead', 1);
      core.queue(PERSON, 'lead', 'do it yourself');
      assert.deepEqual(await core.routing.backlog.drainInbox('lead'), []);
      assert.deepEqual(core.waiting('lead'), ['do it yourself']);
    });

    it('does nothing with a limit of 0, and refuses one that is no whole number from 0 on', async () => {
      core.insert('lead', 1);
      backlog('lead', 'a task');
      const before = core.contents();
      assert.deepEqual(await core.routing.backlog.drainInbox('lead', 0), []);
      for (const limit of [-1, 1.5, NaN]) {
        await assert.rejects(core.routing.backlog.drainInbox('lead', limit), InvalidLimitError);
      }
      assert.deepEqual(core.contents(), before);
    });

    it('is refused for a lead that has ended, or that nobody knows', async () => {
      core.insert('over', 1, { state: 'failed' });
      await assert.rejects(core.routing.backlog.drainInbox('over'), SessionEndedError);
      await assert.rejects(core.routing.backlog.drainInbox('nobody'), SessionNotFoundError);
    });

    it('lets what cannot be routed not use up the limit of a pass', async () => {
      core.insert('lead', 1);
      for (let n = 0; n < 5; n++) {
        core.routing.messenger.send({
          from: PERSON,
          to: 'lead',
          body: {
            type: 'task_handoff',
            task: `for another, ${n}`,
            context: '',
            agentType: 'other',
            priority: 'high',
          },
          purpose: 'team',
        });
      }
      const good = backlog('lead', 'for anybody');
      agents.length = 0;
      const outcomes = await core.routing.backlog.drainInbox('lead', 5);
      assert.equal(outcomes.filter(({ error }) => error !== undefined).length, 5);
      assert.equal(outcomes.at(-1)?.action, 'spawned');
      assert.match(core.lineOf(good), / routed read$/);
    });

    it('goes on past an agent type that the settings no longer name', async () => {
      core.insert('lead', 1);
      const body = { task: 'for another', context: '', agentType: 'other' };
      const lost = core.routing.messenger.send({
        from: PERSON,
        to: 'lead',
        body: { ...body, type: 'task_handoff', priority: 'high' },
        purpose: 'team',
      });
      backlog('lead', 'for anybody');
      agents.length = 0;
      const outcomes = await core.routing.backlog.drainInbox('lead');
      assert.deepEqual(
        outcomes.map(({ task, action }) => [task, action]),
        [
          ['for another', undefined],
          ['for anybody', 'spawned'],
        ],
      );
      assert.match(outcomes[0]?.error ?? '', /Unsupported agent type: other/);
      assert.equal(core.lineOf(lost), 'person -> lead team queued unread');
    });

    it('goes on past a handoff that says nothing, and takes plain text for the task', async () => {
      core.insert('lead', 1);
      const ids = ['{"TaskHandoff":{"task":" "}}', 'not JSON', '{"task":"older"}', ''].map(
        (content) => rawHandoff('lead', content),
      );
      const outcomes = await core.routing.backlog.drainInbox('lead');
      assert.deepEqual(
        outcomes.map(({ handoffId, action }) => [handoffId, action]),
        ids.map((id, i) => [id, i === 1 || i === 2 ? 'spawned' : undefined]),
      );
      for (const i of [0, 3]) assert.match(outcomes[i]?.error ?? '', /task is empty/);
      assert.deepEqual(
        [1, 2].map((i) => core.manager.resolve(outcomes[i]?.sessionId ?? '').task),
        ['not JSON', 'older'],
      );
    });

    it('waits for the end of a back-off, and fails what is past its deadline', async () => {
      core.insert('sender', 2);
      core.insert('lead', 1);
      const now = Date.now();
      const late = core.handOver('sender', 'lead', 'too late', {
        purpose: 'team',
        deadline: now + 5_000,
      });
      const again = backlog('lead', 'again later');
      core.store.mutate(() =>
        core.store.handoffs.update({ ...core.handoff(again), after: now + 10_000 }),
      );
      core.aheadMs = 6_000;
      assert.deepEqual(await core.routing.backlog.drainInbox('lead'), []);
      assert.equal(core.lineOf(late), 'sender -> lead team failed read');
      assert.match(core.handoff(late).reason ?? '', /deadline/);
      const [told] = core.routing.messenger.inbox('sender');
      assert.deepEqual(told?.body, {
        type: 'response',
        answer: 'Failed: too late. Its deadline has passed.',
      });
      core.aheadMs = 11_000;
      const outcomes = await core.routing.backlog.drainInbox('lead');
      assert.deepEqual(
        outcomes.map(({ action }) => action),
        ['spawned'],
      );
    });

    it('passes on context, priority, deadline and attempts', async () => {
      core.insert('lead', 1);
      const deadline = Date.now() + 60_000;
      const source = core.routing.messenger.send({
        from: PERSON,
        to: 'lead',
        body: {
          type: 'task_handoff',
          task: 'a task',
          context: 'know this',
          priority: 'critical',
          agentType: 'other',
        },
        purpose: 'team',
        deadline,
      });
      core.store.mutate(() =>
        core.store.handoffs.update({ ...core.handoff(source), attempts: MAX_ATTEMPTS - 1 }),
      );
      const [outcome] = await core.routing.backlog.drainInbox('lead');
      const [child] = core.store.handoffs.madeFor(source);
      assert.ok(outcome && child);
      assert.equal(core.manager.resolve(outcome.sessionId).agentType, 'other');
      assert.deepEqual(
        [child.priority, child.deadline, child.attempts, child.purpose, child.from],
        ['critical', deadline, MAX_ATTEMPTS - 1, 'self', 'lead'],
      );
      assert.match(core.book.taskOf(child).context, /^know this\n\[Assigned by lead \| .*\]$/);
    });
  });

  describe('dispatching', () => {
    it('begins with the fullest inbox, then with the one whose latest handoff is oldest', async () => {
      for (const id of ['a', 'b', 'c', 'd']) core.insert(id, 1);
      backlog('b', 'b 1');
      backlog('a', 'a 1');
      backlog('c', 'c 1');
      backlog('c', 'c 2');
      backlog('d', 'd 1');
      const dispatched = await core.routing.backlog.autoDispatch(3);
      assert.deepEqual(
        dispatched.map(({ leadId, queued }) => [leadId, queued]),
        [
          ['c', 2],
          ['b', 1],
          ['a', 1],
        ],
      );
      assert.deepEqual(core.waiting('d', 'team'), ['d 1']);
    });

    it('routes no more of an inbox than the limit per lead, and nothing with a limit of 0', async () => {
      core.limits.autoDispatchLimitPerSession = 2;
      core.insert('lead', 1);
      for (let i = 0; i < 4; i++) backlog('lead', `task ${i}`);
      assert.deepEqual(await core.routing.backlog.autoDispatch(0), []);
      const [lead] = await core.routing.backlog.autoDispatch(10);
      assert.equal(lead?.queued, 4);
      assert.deepEqual(
        lead.outcomes.map(({ task }) => task),
        ['task 0', 'task 1'],
      );
      await assert.rejects(core.routing.backlog.autoDispatch(-1), InvalidLimitError);
    });

    it('goes on past a lead that has ended, or that is no session', async () => {
      core.insert('over', 1, { state: 'stopped' });
      core.insert('lead', 1);
      core.queue(PERSON, 'over', 'lost', 'team');
      core.queue(PERSON, 'nobody', 'lost', 'team');
      core.queue(PERSON, 'lead', 'a task', 'team');
      const dispatched = await core.routing.backlog.autoDispatch(10);
      assert.deepEqual(
        dispatched.map(({ leadId, outcomes }) => [leadId, outcomes.length]),
        [
          ['over', 0],
          ['nobody', 0],
          ['lead', 1],
        ],
      );
      assert.equal(dispatched[1]?.error, 'Session not found: nobody');
      assert.match(dispatched[0]?.error ?? '', /session over is stopped/);
    });

    it('leaves all as it is when everybody is busy', async () => {
      saturatedLead();
      backlog('lead', 'one more');
      const before = core.contents();
      const [lead] = await core.routing.backlog.autoDispatch(10);
      assert.deepEqual(
        lead?.outcomes.map(({ action }) => action),
        ['deferred_saturated'],
      );
      assert.deepEqual(core.contents(), before);
    });
  });

  describe('rebalancing', () => {
    beforeEach(() => {
      core.insert('lead', 9);
    });

    /** A delegate that has been given something by its lead before, with queued work. */
    function delegate(id: string, tasks: readonly string[], agentType = 'rehearsal'): number[] {
      core.insert(id, 5, { ...asleep, agentType });
      core.isLeadOf('lead', id);
      return tasks.map((task) => core.queue('lead', id, task));
    }

    it('moves only what this lead sent', async () => {
      core.limits.maxDelegatesPerLead = 2;
      delegate('crowded', []);
      core.queue(PERSON, 'crowded', 'from a person');
      core.queue('other-lead', 'crowded', 'from another');
      const [own] = [core.queue('lead', 'crowded', 'from the lead')];
      delegate('clear', []);
      const moves = await core.routing.backlog.rebalanceTeam('lead');
      assert.deepEqual(
        moves.map(({ handoffId, sessionId }) => [handoffId, sessionId]),
        [[own, 'clear']],
      );
      assert.deepEqual(core.waiting('crowded'), ['from a person', 'from another']);
      assert.deepEqual(core.waiting('clear'), ['from the lead']);
    });

    it('withdraws the old handoff in the same step in which the new one is queued', async () => {
      core.limits.maxDelegatesPerLead = 2;
      const [first = 0] = delegate('crowded', ['one', 'two']);
      delegate('clear', []);
      const open: number[] = [];
      const subscription = core.store.onDidChange(() => {
        open.push(['crowded', 'clear'].flatMap((id) => core.store.handoffs.openTo(id)).length);
      });
      const [move] = await core.routing.backlog.rebalanceTeam('lead');
      subscription.dispose();
      assert.deepEqual(open, [2]);
      assert.equal(core.lineOf(first), 'lead -> crowded self withdrawn read');
      assert.match(core.handoff(first).reason ?? '', /^Moved to clear, as handoff \d+/);
      assert.deepEqual([move?.task, move?.action], ['one', 'reused_idle']);
      // Its context names the new place only.
      const [moved] = core.store.handoffs.queued('clear', 'self');
      assert.ok(moved);
      assert.match(core.book.taskOf(moved).context, /^\[Assigned by lead [^[]*\]$/);
    });

    it('does nothing with a limit of 0, and no more than its limit', async () => {
      delegate('crowded', ['1', '2', '3', '4', '5']);
      const before = core.contents();
      assert.deepEqual(await core.routing.backlog.rebalanceTeam('lead', 0), []);
      assert.deepEqual(core.contents(), before);
      assert.equal((await core.routing.backlog.rebalanceTeam('lead', 2)).length, 2);
      assert.deepEqual(core.waiting('crowded'), ['3', '4', '5']);
      await assert.rejects(core.routing.backlog.rebalanceTeam('lead', -1), InvalidLimitError);
    });

    it('leaves the last one where it is, and stops when the team is full', async () => {
      core.limits.maxDelegatesPerLead = 3;
      delegate('crowded', ['1', '2', '3', '4', '5']);
      const moves = await core.routing.backlog.rebalanceTeam('lead');
      assert.deepEqual(
        moves.map(({ task, action }) => [task, action]),
        [
          ['1', 'spawned'],
          ['2', 'spawned'],
        ],
      );
      assert.deepEqual(core.waiting('crowded'), ['3', '4', '5']);
      assert.deepEqual(await core.routing.backlog.rebalanceTeam('lead'), []);
    });

    it('makes nobody when its only delegate is all that there may be', async () => {
      core.limits.maxDelegatesPerLead = 1;
      delegate('crowded', ['1', '2', '3']);
      const before = core.contents();
      assert.deepEqual(await core.routing.backlog.rebalanceTeam('lead'), []);
      assert.deepEqual(core.contents(), before);
    });

    it('never moves what a pending session was made for', async () => {
      core.limits.maxDelegatesPerLead = 2;
      const { sessionId } = await core.assign('lead', 'made for it');
      core.queue('lead', sessionId, 'sent after it');
      delegate('clear', []);
      const moves = await core.routing.backlog.rebalanceTeam('lead');
      assert.deepEqual(
        moves.map(({ task }) => task),
        ['sent after it'],
      );
      assert.deepEqual(core.waiting(sessionId), ['made for it']);
    });

    it('never moves what is on its way to its agent, or may be', async () => {
      core.insert('crowded', 5, { state: 'idle', presence: 'alive' });
      core.isLeadOf('lead', 'crowded');
      // Alive, but not heard: another window may be at it.
      core.queue('lead', 'crowded', '1');
      core.queue('lead', 'crowded', '2');
      assert.deepEqual(await core.routing.backlog.rebalanceTeam('lead'), []);
      core.runners.of('lead').presence = 'alive';
      const asked = core.runners.of('crowded').holdPrompts();
      await core.manager.adoptAll();
      await asked;
      const moves = await core.routing.backlog.rebalanceTeam('lead');
      assert.deepEqual(
        moves.map(({ task }) => task),
        ['2'],
      );
      assert.deepEqual(core.waiting('crowded'), ['1']);
    });

    it('stays within an agent type', async () => {
      core.limits.maxDelegatesPerLead = 1;
      delegate('rehearsing', ['r1', 'r2']);
      delegate('clear-other', [], 'other');
      assert.deepEqual(await core.routing.backlog.rebalanceTeam('lead'), []);
      core.limits.maxDelegatesPerLead = 2;
      core.queue('lead', 'clear-other', 'o1');
      core.queue('lead', 'clear-other', 'o2');
      const moves = await core.routing.backlog.rebalanceTeam('lead');
      const types = moves.map(({ task, sessionId }) => [
        task,
        core.manager.resolve(sessionId).agentType,
      ]);
      assert.deepEqual(types.sort(), [
        ['o1', 'other'],
        ['r1', 'rehearsal'],
      ]);
    });

    it('keeps the task of a source that was routed: that settles with the new one', async () => {
      core.limits.maxDelegatesPerLead = 1;
      delegate('crowded', []);
      const first = core.queue('planner', 'lead', 'one', 'team');
      await core.routing.backlog.drainInbox('lead');
      core.queue('lead', 'crowded', 'two');
      core.limits.maxDelegatesPerLead = 2;
      delegate('clear', []);
      const [move] = await core.routing.backlog.rebalanceTeam('lead');
      assert.equal(move?.task, 'one');
      assert.equal(core.handoff(first).state, 'routed');
      const open = core.store.handoffs.madeFor(first).filter(({ state }) => state === 'queued');
      assert.deepEqual(
        open.map(({ to }) => to),
        ['clear'],
      );
    });

    it('covers the teams that changed last, and goes on past one that fails', async () => {
      core.limits.maxDelegatesPerLead = 2;
      delegate('crowded', ['1', '2']);
      delegate('clear', []);
      core.insert('newer-lead', 1);
      core.insert('typed', 1, { ...asleep, agentType: 'other' });
      core.isLeadOf('newer-lead', 'typed');
      core.queue('newer-lead', 'typed', 'a');
      core.queue('newer-lead', 'typed', 'b');
      agents.length = 0;
      assert.deepEqual(await core.routing.backlog.rebalanceAll(0), []);
      const rebalanced = await core.routing.backlog.rebalanceAll(100);
      assert.deepEqual(
        rebalanced.map(({ leadId, moves, error }) => [leadId, moves.length, error?.split('.')[0]]),
        [
          ['newer-lead', 0, 'Unsupported agent type: other'],
          ['lead', 1, undefined],
        ],
      );
    });
  });

  describe('the pressure', () => {
    it('counts both purposes, and who could take more', () => {
      saturatedLead('full');
      core.queue(PERSON, 'full', 'one more', 'team');
      core.insert('over', 1, { state: 'failed' });
      core.queue(PERSON, 'over', 'lost');
      assert.deepEqual(core.routing.backlog.pressure(), {
        sessions: 3,
        handoffs: 3,
        // The busy delegate could have delegates of its own.
        absorbable: 1,
        saturated: 2,
      });
    });
  });

  /** A handoff for a team whose message was written by something else. */
  function rawHandoff(to: string, content: string): number {
    return core.store.mutate(() => {
      const { messages, handoffs } = core.store;
      const message = { from: PERSON, to, type: 'task_handoff', timestamp: 1 } as const;
      const id = messages.insert({ ...message, content });
      handoffs.insert(makeHandoff({ id, from: PERSON, to, purpose: 'team' }));
      return id;
    });
  }
});
