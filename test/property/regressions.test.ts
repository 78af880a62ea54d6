import type { Operation } from './operations';
import { runSequence } from './sequence';
import { TEST_MS } from './settings';

/** How often each is run: what overlaps does so in another way each time. */
const SEEDS = 40;

/** What sequences have found, each as short as it came out. Sessions 0 to 2 are there from the start. */
describe('Sequences that have failed once', function () {
  this.timeout(TEST_MS);

  itHolds('ends an agent whose session timed out when the host died', [
    [
      { kind: 'timeOut', session: 0 },
      { kind: 'crash', afterTurns: 1 },
    ],
    [
      { kind: 'timeOut', session: 1 },
      { kind: 'crash', afterTurns: 4 },
    ],
  ]);

  itHolds('tells whoever waits for a start that the session has failed', [
    [{ kind: 'assign', lead: 0, priority: 'normal', agentType: undefined }],
    [{ kind: 'create', agentType: 'alpha', useWorktree: false }],
    [{ kind: 'timeOut', session: 4 }],
  ]);

  itHolds('stops an agent whose connection is being made anew', [
    [{ kind: 'loseReply', runner: 0 }],
    [{ kind: 'endTurn', runner: 0, stopReason: 'end_turn' }],
    [handoffTo(0), { kind: 'cleanUp', session: 0 }],
  ]);

  itHolds('does not take a runner for gone when the host closes', [
    [{ kind: 'timeOut', session: 0 }, { kind: 'close' }, { kind: 'resume', session: 0 }],
  ]);

  itHolds('does not begin work again that was given back twice', [
    [handoffTo(0, 1)],
    ...twoDelegates(),
    [{ kind: 'stopTeam', session: 0 }],
    [{ kind: 'resume', session: 4 }],
    [{ kind: 'resume', session: 3 }],
  ]);

  itHolds('does not begin work again that a person gave to somebody else', [
    ...twoDelegates(),
    [{ kind: 'stopTeam', session: 0 }],
    [{ kind: 'rescue', handoff: 0, to: 1, purpose: 'self' }],
    [{ kind: 'resume', session: 4 }],
  ]);

  itHolds('counts a turn whose beginning it was not told of', [
    [{ kind: 'endTurn', runner: 0, stopReason: 'end_turn' }],
    [{ kind: 'endTurn', runner: 0, stopReason: 'end_turn' }],
    ...twoDelegates(),
    [{ kind: 'loseReply', runner: 0 }],
    [handoffTo(0), handoffTo(1), handoffTo(2)],
    [handoffTo(0), { kind: 'crash', afterTurns: 2 }, handoffTo(1)],
  ]);
});

/** Operations of one row begin together. */
function itHolds(what: string, rows: readonly (readonly Operation[])[]): void {
  it(what, async () => {
    const steps = rows.flatMap((row) =>
      row.map((operation, i) => ({ operation, isJoined: i > 0 })),
    );
    for (let seed = 1; seed <= SEEDS; seed++) await runSequence(steps, seed);
  });
}

function handoffTo(to: number, from?: number): Operation {
  const rest = { purpose: 'self', priority: 'normal', deadlineMs: undefined } as const;
  return { kind: 'send', from, to, ...rest };
}

/** Sessions 3 and 4, both delegates of session 0; the last one waits for its turn. */
function twoDelegates(): Operation[][] {
  const rest = { lead: 0, priority: 'normal', agentType: undefined } as const;
  return [[{ kind: 'assign', ...rest }], [{ kind: 'assign', ...rest }]];
}
