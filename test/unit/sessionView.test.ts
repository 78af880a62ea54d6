import assert from 'node:assert/strict';
import { SESSION_STATES } from '../../src/domain/session';
import { viewPlaceholder, viewSession } from '../../src/domain/sessionView';
import { makeRequest, makeSession } from '../support/sessions';

const WORKTREE = { path: '/w', branch: 'deputy/a', baseBranch: 'main', baseCommit: 'f'.repeat(40) };

const NONE = { handoffs: 0, handoffsBelow: 0, waitingBelow: 0, unread: 0 };

describe('viewSession', () => {
  const expected = {
    pending: ['Pending · rehearsal', 'clock'],
    running: ['Running · rehearsal', 'loading~spin'],
    idle: ['Idle · rehearsal', 'comment'],
    completed: ['Completed · rehearsal', 'pass'],
    failed: ['Failed · rehearsal', 'error'],
    stopped: ['Stopped · rehearsal', 'debug-stop'],
  } as const;
  for (const state of SESSION_STATES) {
    it(`shows a ${state} session`, () => {
      const view = viewSession(makeSession({ state }), NONE, 0);
      assert.deepEqual([view.description, view.icon], expected[state]);
      assert.equal(view.contextValue, `session.${state}.lead`);
    });
  }

  it('says how much is unread, and how many are below it to a screen reader', () => {
    const session = makeSession({ state: 'idle', worktree: WORKTREE });
    const view = viewSession(session, { ...NONE, unread: 3 }, 2);
    assert.equal(view.description, 'Idle · rehearsal · 3 unread');
    assert.equal(view.contextValue, 'session.idle.lead.hasWorktree');
    assert.equal(view.accessibleLabel, 'say hello, Idle, rehearsal, 3 unread, 2 sessions below it');
    assert.match(viewSession(session, NONE, 1).accessibleLabel, /, 1 session below it$/);
  });

  const handoffs = [
    [3, 0, 'Idle · rehearsal · 3 handoffs'],
    [1, 0, 'Idle · rehearsal · 1 handoff'],
    [3, 4, 'Idle · rehearsal · 3 handoffs (+4 below)'],
    [0, 4, 'Idle · rehearsal · 4 handoffs below'],
    [0, 1, 'Idle · rehearsal · 1 handoff below'],
  ] as const;
  for (const [own, below, description] of handoffs) {
    it(`tells ${own} handoffs of its own from ${below} below it`, () => {
      const counts = { ...NONE, handoffs: own, handoffsBelow: below };
      const view = viewSession(makeSession({ state: 'idle' }), counts, 0);
      assert.equal(view.description, description);
      assert.equal(view.contextValue, `session.idle.lead${own > 0 ? '.hasHandoffs' : ''}`);
    });
  }

  it('shows handoffs before what is unread', () => {
    const counts = { ...NONE, handoffs: 1, handoffsBelow: 2, unread: 1 };
    const view = viewSession(makeSession({ state: 'running' }), counts, 0);
    assert.equal(view.description, 'Running · rehearsal · 1 handoff (+2 below) · 1 unread');
  });

  it('says that somebody below waits for a person, before all that can be cut off', () => {
    const session = makeSession({ state: 'idle' });
    const one = viewSession(session, { ...NONE, waitingBelow: 1, handoffsBelow: 2 }, 1);
    assert.equal(one.description, 'Idle · 1 waits for you below · rehearsal · 2 handoffs below');
    assert.match(one.accessibleLabel, /, 1 waits for you below,/);
    const two = viewPlaceholder('aaaa1111', 'ship it', { ...NONE, waitingBelow: 2 }, 1);
    assert.equal(two.description, 'Deleted · 2 wait for you below');
  });

  it('has a mark for what waits, and an urgent one when a person is needed below', () => {
    const markOf = (counts: object) => viewSession(makeSession(), { ...NONE, ...counts }, 1).mark;
    assert.equal(markOf({ unread: 3 }), undefined);
    assert.deepEqual(markOf({ handoffs: 1, handoffsBelow: 2 }), {
      text: '3',
      tooltip: '1 handoff (+2 below)',
      isUrgent: false,
    });
    assert.equal(markOf({ handoffs: 120 })?.text, '99');
    assert.deepEqual(markOf({ handoffs: 1, waitingBelow: 1 }), {
      text: '!',
      tooltip: '1 waits for you below',
      isUrgent: true,
    });
  });

  it('tells workers from leads to menus only', () => {
    const view = viewSession(makeSession({ role: 'worker' }), NONE, 0);
    assert.equal(view.description, 'Pending · rehearsal');
    assert.equal(view.contextValue, 'session.pending.worker');
  });

  it('says why a pending session waits, when that is known', () => {
    const reason = 'waits for a turn:\n8 are running';
    const view = viewSession(makeSession({ reason }), NONE, 0);
    assert.equal(view.description, 'Pending · rehearsal · waits for a turn: 8 are running');
    assert.match(view.accessibleLabel, /waits for a turn/);
    assert.equal(view.tooltip.match(/waits for a turn/g)?.length, 1);
    const failed = viewSession(makeSession({ state: 'failed', reason }), NONE, 0);
    assert.equal(failed.description, 'Failed · rehearsal');
  });

  it('says in one token each what menus need to know', () => {
    const session = makeSession({
      state: 'running',
      role: 'worker',
      worktree: WORKTREE,
      requests: [makeRequest('r', 'Run npm test')],
    });
    assert.equal(
      viewSession(session, { ...NONE, handoffs: 1 }, 0).contextValue,
      'session.running.worker.hasWorktree.hasHandoffs.waiting',
    );
  });

  it('shows that an agent waits for an answer', () => {
    const requests = [makeRequest('r', 'Run npm test')];
    const view = viewSession(makeSession({ state: 'running', requests }), NONE, 0);
    assert.equal(view.description, 'Waiting for you · rehearsal');
    assert.equal(view.icon, 'bell-dot');
    assert.equal(view.contextValue, 'session.running.lead.waiting');
    assert.match(view.tooltip, /Asks: Run npm test/);
  });

  it('cuts a long first line between characters', () => {
    const view = viewSession(makeSession({ task: '👩‍💻'.repeat(80) + '\nsecond line' }), NONE, 0);
    assert.equal(view.label, '👩‍💻'.repeat(71) + '…');
  });

  it('does not let a task put markup into the hover', () => {
    const view = viewSession(makeSession({ task: '[x](command:evil) **b** <img>' }), NONE, 0);
    assert.ok(view.tooltip.includes('\\[x\\]\\(command:evil\\) \\*\\*b\\*\\* \\<img\\>'));
  });
});

describe('viewPlaceholder', () => {
  it('shows that a session was deleted, to a screen reader too', () => {
    const view = viewPlaceholder('aaaa1111', 'ship it', NONE, 2);
    assert.equal(view.label, 'ship it');
    assert.equal(view.description, 'Deleted');
    assert.equal(view.icon, 'trash');
    assert.equal(view.contextValue, 'deleted');
    assert.equal(view.accessibleLabel, 'ship it, deleted session, 2 sessions below it');
    assert.match(view.tooltip, /Session aaaa1111 was deleted/);
  });

  it('says what waits below it', () => {
    const counts = { ...NONE, handoffsBelow: 1 };
    const view = viewPlaceholder('aaaa1111', 'ship it', counts, 1);
    assert.equal(view.description, 'Deleted · 1 handoff below');
    assert.equal(
      view.accessibleLabel,
      'ship it, deleted session, 1 handoff below, 1 session below it',
    );
  });

  it('falls back to the id, cuts what is long, and puts no markup into the hover', () => {
    assert.equal(viewPlaceholder('aaaa1111', ' ', NONE, 1).label, 'aaaa1111');
    assert.equal(viewPlaceholder('a', 'x'.repeat(80), NONE, 1).label, `${'x'.repeat(71)}…`);
    assert.ok(viewPlaceholder('a', '[x](y)', NONE, 1).tooltip.startsWith('\\[x\\]\\(y\\)'));
  });
});
