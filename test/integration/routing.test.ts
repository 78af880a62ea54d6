import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { UnsupportedAgentError } from '../../src/domain/agent';
import { InvalidMessageError, PERSON, type MessageBody } from '../../src/domain/message';
import {
  HandoffNotFoundError,
  HandoffStateError,
  SelfHandoffError,
  SessionEndedError,
} from '../../src/routing/errors';
import {
  AmbiguousSessionError,
  EmptyTextError,
  SessionNotFoundError,
} from '../../src/session/errors';
import { OTHER } from '../support/agents';
import { HeldCore } from '../support/heldCore';

describe('Routing', () => {
  let core: HeldCore;

  beforeEach(async () => {
    core = await HeldCore.open([OTHER]);
  });
  afterEach(() => core.dispose());

  /** Asserts that a call is refused and changes nothing. */
  async function refused(call: () => unknown, why: new (...args: never[]) => Error): Promise<void> {
    const before = core.contents();
    await assert.rejects(async () => {
      await call();
    }, why);
    assert.deepEqual(core.contents(), before);
  }

  describe('a task for a team', () => {
    it('waits in the inbox of its lead, with the reason, when nobody can have it', async () => {
      core.limits.maxDelegatesPerLead = 1;
      core.insert('lead', 2);
      core.insert('busy', 1);
      core.queue('lead', 'busy', 'existing work');
      const outcome = await core.assign('lead', 'more', { priority: 'high', context: 'beside it' });
      assert.equal(outcome.action, 'deferred_saturated');
      assert.equal(core.lineOf(outcome.handoffId), 'lead -> lead team queued unread');
      const { reason, priority, attempts } = core.handoff(outcome.handoffId);
      assert.deepEqual([reason, priority, attempts], [outcome.why, 'high', 0]);
      assert.match(outcome.why, /capacity of 1/);
      assert.equal(core.book.taskOf(core.handoff(outcome.handoffId)).context, 'beside it');
      // The lead is not its own delegate because of that.
      assert.equal(core.manager.status('lead').parent, undefined);
      assert.deepEqual(core.manager.status('lead').children, ['busy']);
    });

    it('makes a worker that is told who assigned it, and why', async () => {
      core.insert('lead', 1);
      const { sessionId, handoffId, why } = await core.assign('lead', ' new task ', {
        context: 'know this',
      });
      const worker = core.manager.resolve(sessionId);
      assert.deepEqual(
        [worker.role, worker.task, worker.agentType, worker.initialHandoffId, worker.repository],
        ['worker', 'new task', 'rehearsal', handoffId, core.repository],
      );
      assert.equal(core.lineOf(handoffId), `lead -> ${sessionId} self queued unread`);
      assert.equal(core.manager.status(sessionId).parent, 'lead');
      const { text } = await core.firstPrompt(sessionId);
      assert.equal(
        text,
        `new task\n\nknow this\n[Assigned by lead | agent rehearsal | cwd ${core.repository} | ${why}]`,
      );
      const [entry] = core.store.activity.latest(1);
      assert.equal(entry?.kind, 'assign');
      assert.equal(entry.detail, `lead: handoff ${handoffId} to ${sessionId}: ${why}`);
    });

    it("begins at the tip of its lead's branch, and the lead hears of what it does not see", async () => {
      const worktree = path.join(core.root, 'lead-tree');
      await core.git('worktree', 'add', '-q', '-b', 'lead-branch', worktree);
      await fs.writeFile(path.join(worktree, 'lead.txt'), 'by the lead');
      await core.git('-C', worktree, 'add', '.');
      await core.git('-C', worktree, 'commit', '-qm', 'Work of the lead');
      const baseCommit = await core.git('rev-parse', 'lead-branch');
      const own = { path: worktree, branch: 'lead-branch', baseBranch: 'main', baseCommit };
      core.insert('lead', 1, {
        worktree: own,
        workingDir: worktree,
        repository: core.repository,
      });
      await fs.writeFile(path.join(worktree, 'draft.txt'), 'not committed');
      const { sessionId, warnings } = await core.assign('lead', 'go on');
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', /1 file that it has not committed/);
      await core.firstPrompt(sessionId);
      const made = core.manager.resolve(sessionId).worktree;
      assert.deepEqual([made?.baseBranch, made?.baseCommit], ['lead-branch', baseCommit]);
      await fs.access(path.join(made?.path ?? '', 'lead.txt'));
      await assert.rejects(fs.access(path.join(made?.path ?? '', 'draft.txt')));
    });

    it('never makes more delegates than there may be, however many are asked for at once', async () => {
      core.limits.maxDelegatesPerLead = 3;
      core.insert('lead', 1);
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, i) => core.assign('lead', `task ${i}`)),
      );
      const count = (action: string): number =>
        outcomes.filter((outcome) => outcome.action === action).length;
      assert.equal(count('spawned'), 3);
      assert.equal(count('deferred_saturated'), 5);
      assert.equal(core.store.sessions.delegatesOf('lead', undefined).length, 3);
      assert.equal(core.waiting('lead', 'team').length, 5);
    });

    it('counts each agent type by itself', async () => {
      core.limits.maxDelegatesPerLead = 1;
      core.insert('lead', 2);
      core.insert('busy', 1);
      core.queue('lead', 'busy', 'existing work');
      const outcome = await core.assign('lead', 'for another', { agentType: 'other' });
      assert.equal(outcome.action, 'spawned');
      assert.equal(core.manager.resolve(outcome.sessionId).agentType, 'other');
    });

    it('gives nothing to a delegate of which nobody knows whether it is there', async () => {
      core.limits.maxDelegatesPerLead = 1;
      core.insert('lead', 2);
      core.insert('lost', 1, { state: 'idle', presence: 'unknown' });
      core.isLeadOf('lead', 'lost');
      const outcome = await core.assign('lead', 'something');
      assert.equal(outcome.action, 'deferred_saturated');
      assert.deepEqual(core.waiting('lost'), []);
    });

    it('is refused, and nothing happens, when it makes no sense', async () => {
      core.insert('lead', 1);
      core.insert('over', 1, { state: 'stopped' });
      await refused(() => core.assign('lead', ' \n '), EmptyTextError);
      await refused(() => core.assign('nobody', 'x'), SessionNotFoundError);
      await refused(() => core.assign('lea', 'x'), SessionNotFoundError);
      await refused(() => core.assign('over', 'x'), SessionEndedError);
      const unknown = { agentType: 'nonesuch' };
      await refused(() => core.assign('lead', 'x', unknown), UnsupportedAgentError);
      await refused(
        () => core.routing.assigner.preview({ leadId: 'lead', task: '' }),
        EmptyTextError,
      );
    });

    it('gets a delegate of its own where a person says so, whatever the team looks like', async () => {
      core.insert('lead', 2, { state: 'stopped' });
      core.insert('idle', 1, { state: 'idle', presence: 'asleep' });
      core.isLeadOf('lead', 'idle');
      const outcome = await core.routing.assigner.delegate('lead', { task: 'a new branch of it' });
      assert.equal(outcome.action, 'spawned');
      assert.equal(core.manager.status(outcome.sessionId).parent, 'lead');
      await refused(() => core.routing.assigner.delegate('lead', { task: '' }), EmptyTextError);
    });
  });

  describe('a preview', () => {
    const teams: readonly (readonly [name: string, capacity: number, set: () => void])[] = [
      ['nobody', 8, () => undefined],
      [
        'a clear idle delegate',
        8,
        () => {
          core.insert('w', 1, { state: 'idle', presence: 'asleep' });
          core.isLeadOf('lead', 'w');
        },
      ],
      [
        'a clear running delegate at capacity',
        1,
        () => {
          core.insert('w', 1);
          core.isLeadOf('lead', 'w');
        },
      ],
      [
        'a busy delegate at capacity',
        1,
        () => {
          core.insert('w', 1);
          core.queue('lead', 'w', 'existing work');
        },
      ],
    ];
    for (const [name, capacity, set] of teams) {
      it(`says what an assignment then does, and changes nothing: ${name}`, async () => {
        core.limits.maxDelegatesPerLead = capacity;
        core.insert('lead', 2);
        set();
        const before = core.contents();
        const preview = await core.routing.assigner.preview({ leadId: 'lead', task: 'x' });
        assert.deepEqual(core.contents(), before);
        assert.equal(preview.problem, undefined);
        assert.equal(preview.capacity, capacity);
        const outcome = await core.assign('lead', 'x');
        const { decision } = preview;
        assert.equal(outcome.action, decision.action);
        assert.equal(outcome.why, decision.why);
        if ('sessionId' in decision) assert.equal(outcome.sessionId, decision.sessionId);
      });
    }

    it('says why a delegate could not be made', async () => {
      core.insert('lead', 1);
      const wanted = { leadId: 'lead', task: 'x', agentType: 'nonesuch' };
      const { decision, problem } = await core.routing.assigner.preview(wanted);
      assert.equal(decision.action, 'spawned');
      assert.match(problem ?? '', /Unsupported agent type: nonesuch/);
    });
  });

  describe('a message', () => {
    const send = (from: string, to: string, body: MessageBody): number =>
      core.routing.messenger.send({ from, to, body });
    const task = (text: string): MessageBody => ({
      type: 'task_handoff',
      task: text,
      context: '',
      priority: 'normal',
      agentType: undefined,
    });

    it('is refused when nobody would get it, or it says nothing', async () => {
      core.insert('lead', 1);
      core.insert('over', 1, { state: 'completed' });
      await refused(() => send('lead', 'over', task('x')), SessionEndedError);
      await refused(
        () => send('lead', 'over', { type: 'query', question: 'q' }),
        SessionEndedError,
      );
      await refused(() => send('lead', 'nobody', task('x')), SessionNotFoundError);
      await refused(() => send('lead', 'lead', task('x')), SelfHandoffError);
      await refused(() => send(PERSON, 'lead', task('  ')), InvalidMessageError);
      await refused(
        () => send(PERSON, 'lead', { type: 'query', question: '' }),
        InvalidMessageError,
      );
    });

    it('is for the team of a lead that has delegates, and else for the receiver', () => {
      core.insert('lead', 3);
      core.insert('worker', 2, { role: 'worker' });
      const purposeOf = (id: string): string => core.handoff(send(PERSON, id, task('x'))).purpose;
      assert.equal(purposeOf('lead'), 'self');
      core.isLeadOf('lead', 'worker');
      assert.equal(purposeOf('lead'), 'team');
      assert.equal(purposeOf('worker'), 'self');
      // A worker that has delegates of its own is no lead until a person says so.
      core.insert('below', 1, { role: 'worker' });
      core.isLeadOf('worker', 'below');
      assert.equal(purposeOf('worker'), 'self');
      core.manager.switchRole('worker', 'lead');
      assert.equal(purposeOf('worker'), 'team');
    });

    it('can be read, but a queued handoff stays unread', () => {
      core.insert('lead', 1);
      const question = send('lead', 'lead', { type: 'query', question: 'why?' });
      const handoff = core.queue(PERSON, 'lead', 'do it');
      const backlog = core.queue(PERSON, 'lead', 'have it done', 'team');
      const { messenger } = core.routing;
      for (const id of [question, handoff, backlog, 4_711]) messenger.markRead(id);
      const isRead = (): (boolean | undefined)[] =>
        [question, handoff, backlog].map((id) => core.store.messages.get(id)?.isRead);
      assert.deepEqual(isRead(), [true, false, false]);
      send('lead', 'lead', { type: 'response', answer: 'because' });
      assert.equal(messenger.markAllRead('lead'), 1);
      assert.deepEqual(isRead(), [true, false, false]);
      assert.equal(core.unread('lead'), 2);
      assert.equal(core.manager.overview().handoffs.get('lead'), 2);
      assert.equal(core.manager.overview().unread.size, 0);
      assert.deepEqual(
        messenger.inbox('lead').map(({ body }) => body?.type),
        ['response', 'task_handoff', 'task_handoff', 'query'],
      );
    });

    it('that is damaged, or of a type that nobody knows, is listed as such', () => {
      core.insert('lead', 1);
      core.store.mutate(() => {
        const base = { from: 'x', to: 'lead', timestamp: 1 };
        core.store.messages.insert({ ...base, type: 'query', content: '{"Query":' });
        core.store.messages.insert({ ...base, type: 'gossip' as 'query', content: 'psst' });
      });
      const { messenger } = core.routing;
      assert.deepEqual(
        messenger.inbox('lead').map(({ body, content }) => [body, content]),
        [
          [undefined, 'psst'],
          [undefined, '{"Query":'],
        ],
      );
      assert.equal(messenger.markAllRead('lead'), 2);
    });
  });

  describe('withdrawing', () => {
    const withdraw = (id: number): void => core.routing.messenger.withdraw(id);

    it('takes a queued handoff back, and what it was made for', async () => {
      core.insert('lead', 3);
      core.insert('worker', 2, { state: 'idle', presence: 'asleep' });
      core.isLeadOf('lead', 'worker');
      const source = core.queue('planner', 'lead', 'do it', 'team');
      await core.routing.backlog.drainInbox('lead');
      const [child] = core.store.handoffs.madeFor(source);
      assert.ok(child);
      assert.equal(core.lineOf(source), 'planner -> lead team routed read');
      withdraw(child.id);
      assert.equal(core.lineOf(child.id), 'lead -> worker self withdrawn read');
      assert.equal(core.lineOf(source), 'planner -> lead team withdrawn read');
      assert.deepEqual(core.waiting('worker'), []);
    });

    it('is refused for what is over, passed on, or may be with an agent that is not heard', async () => {
      core.insert('lead', 3);
      core.insert('worker', 2, { state: 'idle', presence: 'asleep' });
      core.insert('unheard', 2, { state: 'idle', presence: 'unknown' });
      const sent = core.queue('lead', 'unheard', 'sent, perhaps');
      await refused(() => withdraw(sent), HandoffStateError);
      assert.equal(core.store.handoffs.get(sent)?.state, 'queued');
      const source = core.queue('planner', 'lead', 'passed on', 'team');
      const { outcomes } = await drained('lead');
      const pending = core.store.handoffs.madeFor(source)[0];
      assert.equal(outcomes, 1);
      await refused(() => withdraw(4_711), HandoffNotFoundError);
      await refused(() => withdraw(source), HandoffStateError);
      // A session is being started for it.
      await refused(() => withdraw(pending?.id ?? 0), HandoffStateError);
      const done = core.queue('lead', 'worker', 'done');
      core.settle(done);
      await refused(() => withdraw(done), HandoffStateError);
      const queued = core.queue('lead', 'worker', 'queued');
      withdraw(queued);
      await refused(() => withdraw(queued), HandoffStateError);
    });

    it('is refused while the agent is given it, and once it has it', async () => {
      core.insert('worker', 2, { state: 'idle', presence: 'alive' });
      await core.manager.adoptAll();
      const runner = core.runners.of('worker');
      const asked = runner.holdPrompts();
      const id = core.queue(PERSON, 'worker', 'do it');
      await asked;
      await refused(() => withdraw(id), HandoffStateError);
      runner.letPromptsGo();
      await core.untilHandoff(id, 'taken');
      await refused(() => withdraw(id), HandoffStateError);
    });
  });

  describe('ids', () => {
    it('are taken exactly before they are taken as beginnings', () => {
      for (const id of ['worker', 'worker-child', 'worker-other']) core.insert(id, 1);
      assert.equal(core.manager.resolve('worker').id, 'worker');
      assert.equal(core.manager.resolve('worker-c').id, 'worker-child');
      assert.throws(
        () => core.manager.resolve('work'),
        (error) =>
          error instanceof AmbiguousSessionError &&
          ['worker', 'worker-child', 'worker-other'].every((id) => error.message.includes(id)),
      );
      assert.throws(() => core.manager.resolve('x'), SessionNotFoundError);
      assert.throws(() => core.manager.status(''), SessionNotFoundError);
    });
  });

  async function drained(leadId: string): Promise<{ outcomes: number }> {
    return { outcomes: (await core.routing.backlog.drainInbox(leadId)).length };
  }
});
