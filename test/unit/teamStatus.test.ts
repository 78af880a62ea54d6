import assert from 'node:assert/strict';
import { formatSessionStatus, formatTeamStatus, type TeamMember } from '../../src/domain/status';
import type { Session, SessionState } from '../../src/domain/session';
import { makeSession } from '../support/sessions';

const WORKTREE = { path: '/w', branch: 'deputy/a', baseBranch: 'main', baseCommit: 'f'.repeat(40) };

function member(id: string, state: SessionState, depth = 1, unread = 0): TeamMember {
  return { session: makeSession({ id, state, task: `task of ${id}` }), depth, unread };
}

describe('formatTeamStatus', () => {
  const root = makeSession({ id: 'lead', state: 'running', task: 'ship it', worktree: WORKTREE });

  it('shows the lead, then a lane for each state that somebody is in', () => {
    const members = [
      member('worker-a', 'running', 1, 2),
      member('reviewer', 'completed', 2),
      member('helper', 'running', 2),
      member('worker-b', 'pending'),
      member('worker-c', 'idle'),
      member('worker-d', 'failed'),
      member('worker-e', 'stopped', 3),
    ];
    assert.equal(
      formatTeamStatus({ root, unread: 3, members }),
      `Lead: lead [running]
Task: ship it
Agent: rehearsal
Branch: deputy/a
Inbox: 3
Board:
  Running:
  - worker-a [rehearsal] | inbox 2 | task of worker-a
  -   helper [rehearsal] | inbox 0 | task of helper
  Idle:
  - worker-c [rehearsal] | inbox 0 | task of worker-c
  Pending:
  - worker-b [rehearsal] | inbox 0 | task of worker-b
  Failed:
  - worker-d [rehearsal] | inbox 0 | task of worker-d
  Stopped:
  -     worker-e [rehearsal] | inbox 0 | task of worker-e
  Completed:
  -   reviewer [rehearsal] | inbox 0 | task of reviewer`,
    );
  });

  it('says so when nobody works for it, and leaves a branch out that is not there', () => {
    assert.equal(
      formatTeamStatus({ root: { ...root, worktree: undefined }, unread: 0, members: [] }),
      'Lead: lead [running]\nTask: ship it\nAgent: rehearsal\nInbox: 0\nBoard: no delegated sessions',
    );
  });

  it('says what the whole team has used of its budget, and when that is too much', () => {
    const used = (tokensUsed: number, costUsd?: number): Session => {
      const { metrics } = makeSession();
      return makeSession({ id: 'w', metrics: { ...metrics, tokensUsed, costUsd } });
    };
    const status = {
      root: used(400, 1),
      unread: 0,
      members: [{ session: used(200, 0.5), depth: 1, unread: 0 }],
    };
    const line = (budget: { tokens: number; costUsd: number }): string | undefined =>
      formatTeamStatus(status, budget)
        .split('\n')
        .find((it) => it.startsWith('Used:'));
    assert.equal(line({ tokens: 600, costUsd: 2 }), 'Used: 600 of 600 tokens, $1.50 of $2.00');
    assert.match(line({ tokens: 599, costUsd: 2 }) ?? '', /\(over budget\)$/);
    assert.match(line({ tokens: 600, costUsd: 1.4 }) ?? '', /\(over budget\)$/);
    status.root = used(400);
    assert.equal(
      line({ tokens: 600, costUsd: 2 }),
      'Used: 600 of 600 tokens, $0.50 and an unknown cost of $2.00',
    );
    status.members = [];
    assert.equal(
      line({ tokens: 600, costUsd: 2 }),
      'Used: 400 of 600 tokens, an unknown cost of $2.00',
    );
  });

  it('shows the first line of a task', () => {
    const session = makeSession({ id: 'w', task: '\n first \r\nsecond' });
    const text = formatTeamStatus({ root, unread: 0, members: [{ session, depth: 1, unread: 0 }] });
    assert.ok(text.endsWith('\n  - w [rehearsal] | inbox 0 | first'), text);
  });
});

describe('formatSessionStatus', () => {
  const format = (session: Session): string[] =>
    formatSessionStatus({ session, parent: undefined, children: [], unread: 0 }).split('\n');

  it('says whether it is a lead or a worker', () => {
    assert.ok(format(makeSession()).includes('Role: lead'));
    assert.ok(format(makeSession({ role: 'worker' })).includes('Role: worker'));
  });

  it('says what it cost, or that nobody knows', () => {
    const { metrics } = makeSession();
    const cost = (costUsd: number | undefined): string | undefined =>
      format(makeSession({ metrics: { ...metrics, costUsd } })).find((it) => it.startsWith('Cost'));
    assert.equal(cost(undefined), 'Cost: unknown');
    assert.equal(cost(0), 'Cost: $0.0000');
    assert.equal(cost(1.23456), 'Cost: $1.2346');
  });

  it('names the branch of a worktree that was cleaned up', () => {
    const lines = format(makeSession({ formerWorktree: WORKTREE }));
    assert.ok(lines.includes('Former branch: deputy/a'));
    assert.ok(lines.includes('Folder: /work'));
    assert.ok(!lines.includes('Branch: deputy/a'));
  });

  it('does not name a former branch while there is a worktree', () => {
    const other = { ...WORKTREE, branch: 'deputy/old' };
    const lines = format(makeSession({ worktree: WORKTREE, formerWorktree: other }));
    assert.ok(lines.includes('Branch: deputy/a'));
    assert.ok(!lines.some((line) => line.startsWith('Former')));
  });
});
