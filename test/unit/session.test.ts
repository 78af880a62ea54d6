import assert from 'node:assert/strict';
import {
  assertTransition,
  canTransition,
  SESSION_STATES,
  type SessionState,
} from '../../src/domain/session';

const ALLOWED: Readonly<Record<SessionState, string>> = {
  pending: 'pending running failed stopped',
  running: 'running idle completed failed stopped',
  idle: 'idle running completed failed stopped',
  completed: 'completed stopped',
  failed: 'failed stopped',
  stopped: 'stopped',
};

describe('session state machine', () => {
  for (const from of SESSION_STATES) {
    it(`lets ${from} go to ${ALLOWED[from]} and nowhere else`, () => {
      const reachable = SESSION_STATES.filter((to) => canTransition(from, to));
      assert.deepEqual(new Set(reachable), new Set(ALLOWED[from].split(' ')));
    });
  }

  it('names both states when it refuses', () => {
    assert.throws(() => assertTransition('completed', 'running'), {
      message: 'Invalid session state transition: completed -> running',
    });
  });
});
