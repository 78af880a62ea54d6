import assert from 'node:assert/strict';
import { SESSION_STATES } from '../../src/domain/session';
import { viewSession } from '../../src/domain/sessionView';
import { makeSession } from '../support/sessions';

const WORKTREE = { path: '/w', branch: 'deputy/a', baseBranch: 'main', baseCommit: 'f'.repeat(40) };

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
      const view = viewSession(makeSession({ state }), 0, 0);
      assert.deepEqual([view.description, view.icon], expected[state]);
      assert.equal(view.contextValue, `session.${state}`);
    });
  }

  it('says how much is unread, and how many are below it to a screen reader', () => {
    const view = viewSession(makeSession({ state: 'idle', worktree: WORKTREE }), 3, 2);
    assert.equal(view.description, 'Idle · rehearsal · 3 unread');
    assert.equal(view.contextValue, 'session.idle.hasWorktree');
    assert.equal(view.accessibleLabel, 'say hello, Idle, rehearsal, 3 unread, 2 below it');
  });

  it('shows that an agent waits for an answer', () => {
    const requests = [{ requestId: 'r', title: 'Run npm test', options: [] }];
    const view = viewSession(makeSession({ state: 'running', requests }), 0, 0);
    assert.equal(view.description, 'Waiting for you · rehearsal');
    assert.equal(view.icon, 'bell-dot');
    assert.equal(view.contextValue, 'session.running.waiting');
    assert.match(view.tooltip, /Asks: Run npm test/);
  });

  it('cuts a long first line between characters', () => {
    const view = viewSession(makeSession({ task: '👩‍💻'.repeat(80) + '\nsecond line' }), 0, 0);
    assert.equal(view.label, '👩‍💻'.repeat(71) + '…');
  });

  it('does not let a task put markup into the hover', () => {
    const view = viewSession(makeSession({ task: '[x](command:evil) **b** <img>' }), 0, 0);
    assert.ok(view.tooltip.includes('\\[x\\]\\(command:evil\\) \\*\\*b\\*\\* \\<img\\>'));
  });
});
