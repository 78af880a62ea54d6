import assert from 'node:assert/strict';
import type { Handoff } from '../../src/domain/handoff';
import type { Message } from '../../src/domain/message';
import { ageText } from '../../src/domain/words';
import {
  assignmentText,
  decisionText,
  dispatchText,
  drainText,
  formatCoordination,
  formatMessage,
  rebalanceText,
} from '../../src/routing/report';
import { makeSession } from '../support/sessions';

const nameOf = (id: string): string => `<${id}>`;

describe('assignmentText', () => {
  const base = { handoffId: 1, sessionId: 'w', warnings: [] };

  it('says who has it and why', () => {
    const outcome = { ...base, action: 'reused_idle', why: 'reused idle delegate' } as const;
    assert.equal(assignmentText(outcome, nameOf), 'Handed to <w> (reused idle delegate).');
  });

  it('says where it waits and why, and what to know', () => {
    const outcome = { ...base, action: 'deferred_saturated', why: 'all are busy' } as const;
    assert.equal(
      assignmentText({ ...outcome, warnings: ['Mind the gap.'] }, nameOf),
      'Waits in the inbox of <w>: all are busy. Mind the gap.',
    );
  });
});

describe('decisionText', () => {
  const preview = { agentType: 'rehearsal', lead: makeSession({ id: 'l' }) };
  const cases = [
    [{ action: 'reused_idle', sessionId: 'w', why: '' }, 'Would go to <w>'],
    [{ action: 'reused_active', sessionId: 'w', why: '' }, 'Would go to <w>'],
    [{ action: 'spawned', why: '' }, 'Would start a new delegate (rehearsal)'],
    [{ action: 'deferred_saturated', why: '' }, 'Would wait in the inbox of <l>'],
  ] as const;
  for (const [decision, text] of cases) {
    it(`puts ${decision.action} into words`, () => {
      assert.equal(decisionText(decision, preview, nameOf), text);
    });
  }
});

const routed = {
  handoffId: 1,
  task: 'fix it\nall of it',
  action: 'spawned',
  sessionId: 'w',
  error: undefined,
} as const;
const waiting = { ...routed, handoffId: 2, action: 'deferred_saturated', sessionId: 'l' } as const;
const failed = { ...routed, handoffId: 3, action: undefined, error: 'No such agent.' } as const;

describe('drainText and dispatchText', () => {
  it('count what was handed over, what waits and what failed', () => {
    assert.equal(
      drainText([routed, waiting, failed]),
      '1 of 3 handoffs handed to the team. 1 waits for room in it. 1 failed: No such agent.',
    );
    assert.equal(drainText([routed]), '1 of 1 handoff handed to the team.');
    assert.match(drainText([]), /Nothing in this inbox/);
  });

  it('do not hide an inbox that could not be drained', () => {
    const lead = { leadId: 'l', queued: 2, outcomes: [], error: 'It has ended.' };
    assert.equal(dispatchText([lead]), 'It has ended.');
    assert.equal(
      dispatchText([lead, { ...lead, outcomes: [routed], error: undefined }]),
      '1 of 1 handoff handed to the team. It has ended.',
    );
    assert.equal(dispatchText([]), 'No handoff waits for a team.');
  });
});

describe('rebalanceText', () => {
  it('counts handoffs and who got them', () => {
    const move = { handoffId: 1, task: 't', fromSessionId: 'a', sessionId: 'b', action: 'spawned' };
    const moves = [move, { ...move, handoffId: 2 }] as const;
    assert.equal(rebalanceText(moves as never), '2 handoffs moved to 1 other delegate.');
    assert.match(rebalanceText([], ['It has ended.']), /Nothing was moved.* It has ended\.$/);
  });
});

describe('formatCoordination', () => {
  it('says what was dispatched, moved, and what still waits', () => {
    const text = formatCoordination(
      {
        dispatched: [
          { leadId: 'l', queued: 3, outcomes: [routed, waiting, failed], error: undefined },
          { leadId: 'm', queued: 1, outcomes: [], error: 'It has ended.' },
        ],
        rebalanced: [
          {
            leadId: 'l',
            moves: [
              {
                handoffId: 4,
                task: 'move me',
                fromSessionId: 'a',
                sessionId: 'b',
                action: 'reused_idle',
              },
            ],
            error: undefined,
          },
        ],
        remaining: { sessions: 2, handoffs: 3, absorbable: 1, saturated: 1 },
      },
      nameOf,
    );
    assert.equal(
      text,
      [
        'Dispatched:',
        '  <l>: 3 waited',
        '    - fix it: to <w> (new delegate)',
        '    - fix it: waits on, the team is saturated',
        '    - fix it: failed: No such agent.',
        '  <m>: 1 waited',
        '    could not be drained: It has ended.',
        '',
        'Moved:',
        '  <l>: 1 moved',
        '    - move me: from <a> to <b> (idle delegate)',
        '',
        'Still waiting:',
        '  3 handoffs in the inboxes of 2 sessions',
        '  1 of them with room in their team',
        '  1 of them without: raise deputy.maxDelegatesPerLead, or wait for a delegate',
        '',
      ].join('\n'),
    );
  });

  it('says that there was nothing to do', () => {
    const remaining = { sessions: 0, handoffs: 0, absorbable: 0, saturated: 0 };
    const text = formatCoordination({ dispatched: [], rebalanced: [], remaining }, nameOf);
    assert.match(
      text,
      /Dispatched:\n {2}nothing\n\nMoved:\n {2}nothing\n\nStill waiting:\n {2}nothing/,
    );
  });
});

describe('formatMessage', () => {
  const message: Message = {
    id: 7,
    from: 'person',
    to: 'w',
    body: { type: 'conflict', file: 'a.ts', description: 'both changed it' },
    content: '{}',
    isRead: false,
    timestamp: 0,
  };

  it('shows the facts, then all of the text', () => {
    assert.equal(
      formatMessage(message, undefined, nameOf),
      'Message: 7\nFrom: <person>\nTo: <w>\nType: conflict\nTime: 1970-01-01T00:00:00.000Z\nRead: no\n\nFile: a.ts\n\nboth changed it\n',
    );
  });

  it('shows where a handoff stands', () => {
    const body = {
      type: 'task_handoff',
      task: 'do it',
      context: 'carefully',
      priority: 'high',
      agentType: undefined,
    } as const;
    const handoff: Handoff = {
      id: 7,
      from: 'person',
      to: 'w',
      purpose: 'team',
      priority: 'high',
      state: 'queued',
      originId: undefined,
      attempts: 1,
      reason: 'it is busy',
      deadline: undefined,
      after: undefined,
      resultMessageId: undefined,
    };
    const text = formatMessage({ ...message, body }, handoff, nameOf);
    assert.match(text, /Purpose: for its team\nPriority: high\nState: queued\nAttempts: 1\n/);
    assert.ok(text.endsWith('\n\ndo it\n\nContext:\n\ncarefully\n'));
  });

  it('shows what a damaged one holds', () => {
    const text = formatMessage({ ...message, body: undefined }, undefined, nameOf);
    assert.match(text, /Type: damaged[^]*\n\n\{\}\n$/);
  });
});

describe('ageText', () => {
  const MINUTE = 60_000;
  const cases = [
    [0, 'just now'],
    [MINUTE, '1 min ago'],
    [59 * MINUTE, '59 min ago'],
    [60 * MINUTE, '1 h ago'],
    [48 * 60 * MINUTE, '2 days ago'],
  ] as const;
  for (const [age, text] of cases) {
    it(`says ${text}`, () => assert.equal(ageText(1_000, 1_000 + age), text));
  }
});
