import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { SessionState } from '../../src/domain/session';
import { decide, routesWork, type Candidate } from '../../src/routing/decide';

const STATES: readonly SessionState[] = ['idle', 'running', 'pending'];

/** A delegate that can take a turn; `patch` says what is different about it. */
function delegate(id: string, patch: Partial<Candidate> = {}): Candidate {
  return { id, state: 'idle', updatedAt: 100, load: 0, canTakeTurn: true, ...patch };
}

const idle = (id: string, patch: Partial<Candidate> = {}): Candidate => delegate(id, patch);
const running = (id: string, patch: Partial<Candidate> = {}): Candidate =>
  delegate(id, { state: 'running', ...patch });
const pending = (id: string, patch: Partial<Candidate> = {}): Candidate =>
  delegate(id, { state: 'pending', ...patch });

/** What was decided in two words: the action, and for whom. */
function outcomeOf(candidates: readonly Candidate[], capacity: number): string {
  const decision = decide(candidates, capacity);
  return 'sessionId' in decision ? `${decision.action} ${decision.sessionId}` : decision.action;
}

describe('decide', () => {
  const deaf = { canTakeTurn: false };
  const table: readonly (readonly [
    name: string,
    candidates: readonly Candidate[],
    capacity: number,
    expected: string,
  ])[] = [
    // Rule 1: an idle delegate without work.
    ['takes a clear idle delegate', [idle('a')], 8, 'reused_idle a'],
    ['takes it at capacity, too', [idle('a')], 1, 'reused_idle a'],
    ['takes it over capacity, too', [idle('a'), running('b')], 1, 'reused_idle a'],
    ['prefers it to an active one', [running('a'), pending('b'), idle('c')], 8, 'reused_idle c'],
    [
      'takes the one longest untouched',
      [idle('a', { updatedAt: 3 }), idle('b', { updatedAt: 1 }), idle('c', { updatedAt: 2 })],
      8,
      'reused_idle b',
    ],
    ['takes the first id of two alike', [idle('b'), idle('a')], 8, 'reused_idle a'],
    [
      'passes over an older one with work',
      [idle('a', { load: 1, updatedAt: 1 }), idle('b')],
      8,
      'reused_idle b',
    ],
    [
      'passes over a clear one that cannot take a turn',
      [idle('a', { ...deaf, updatedAt: 1 }), idle('b')],
      8,
      'reused_idle b',
    ],
    // Rule 2: room for another one.
    ['makes the first delegate', [], 8, 'spawned'],
    ['makes one beside a busy one', [running('a')], 2, 'spawned'],
    ['makes one beside an idle one with work', [idle('a', { load: 1 })], 2, 'spawned'],
    ['makes one beside one that cannot take a turn', [idle('a', deaf)], 2, 'spawned'],
    // Rule 3: any idle delegate at all.
    ['defers when the idle one has work', [idle('a', { load: 1 })], 1, 'deferred_saturated'],
    [
      'defers for it even though an active one is clear',
      [idle('a', { load: 1 }), running('b')],
      2,
      'deferred_saturated',
    ],
    ['defers when the idle one cannot take a turn', [idle('a', deaf)], 1, 'deferred_saturated'],
    [
      'defers for it, too, though an active one is clear',
      [idle('a', deaf), running('b')],
      2,
      'deferred_saturated',
    ],
    // Rule 4: an active delegate without work.
    ['takes a clear running delegate at capacity', [running('a')], 1, 'reused_active a'],
    ['takes a clear pending delegate at capacity', [pending('a')], 1, 'reused_active a'],
    [
      'takes the one with the least work',
      [running('a', { load: 2, updatedAt: 1 }), pending('b', { updatedAt: 9 })],
      2,
      'reused_active b',
    ],
    [
      'takes the active one longest untouched',
      [running('a', { updatedAt: 3 }), pending('b', { updatedAt: 1 })],
      2,
      'reused_active b',
    ],
    ['takes the first id of two active ones', [running('b'), pending('a')], 2, 'reused_active a'],
    [
      'defers when the least busy one has work',
      [running('a', { load: 1 }), running('b', { load: 2 })],
      2,
      'deferred_saturated',
    ],
    [
      'passes over an active one that cannot take a turn',
      [running('a', { ...deaf, updatedAt: 1 }), running('b')],
      2,
      'reused_active b',
    ],
    [
      'defers when only one with work can take a turn',
      [running('a', deaf), running('b', { load: 1 })],
      2,
      'deferred_saturated',
    ],
    [
      'defers when no active one can take a turn',
      [running('a', deaf), pending('b', deaf)],
      2,
      'deferred_saturated',
    ],
    // Rule 5: nobody at all.
    ['makes one with a capacity of 0', [], 0, 'spawned'],
    ['makes one with a capacity below 0', [], -1, 'spawned'],
    ['takes a clear active one with a capacity of 0', [running('a')], 0, 'reused_active a'],
    ['takes a clear idle one with a capacity below 0', [idle('a')], -3, 'reused_idle a'],
    ['defers with a capacity below 0', [running('a', { load: 1 })], -3, 'deferred_saturated'],
    ['makes one however great the capacity', [running('a')], Infinity, 'spawned'],
  ];
  for (const [name, candidates, capacity, expected] of table) {
    it(name, () => {
      assert.equal(outcomeOf(candidates, capacity), expected);
      assert.equal(outcomeOf(candidates.toReversed(), capacity), expected);
    });
  }

  it('says why, and nothing of a capacity that did not matter', () => {
    const why = (candidates: readonly Candidate[], capacity: number): string =>
      decide(candidates, capacity).why;
    assert.equal(why([idle('a')], 8), 'reused idle delegate');
    assert.equal(why([], 8), 'spawned new delegate');
    assert.equal(why([running('a')], 1), 'reused active delegate at capacity');
    assert.equal(why([], 0), 'spawned fallback delegate');
    assert.match(why([idle('a', { load: 1 })], 1), /work waiting.*capacity of 1/);
    assert.match(why([running('a', { load: 1 })], 1), /every active delegate has work waiting/);
    assert.match(why([running('a', { canTakeTurn: false })], 1), /no delegate can take another/);
  });

  it('routes work with every action but the deferral', () => {
    assert.equal(routesWork('reused_idle'), true);
    assert.equal(routesWork('reused_active'), true);
    assert.equal(routesWork('spawned'), true);
    assert.equal(routesWork('deferred_saturated'), false);
  });

  it('decides the same in whatever order a team is listed, and never for one that is deaf', () => {
    const member = fc.record({
      id: fc.string({ minLength: 1, maxLength: 4 }),
      state: fc.constantFrom(...STATES),
      updatedAt: fc.nat(3),
      load: fc.nat(2),
      canTakeTurn: fc.boolean(),
    });
    const team = fc.uniqueArray(member, { selector: ({ id }) => id, maxLength: 6 });
    const shuffled = team.chain((members) =>
      fc.tuple(
        fc.constant(members),
        fc.shuffledSubarray(members, { minLength: members.length, maxLength: members.length }),
        fc.integer({ min: -1, max: 8 }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([members, other, capacity]) => {
        const decision = decide(members, capacity);
        assert.deepEqual(decide(other, capacity), decision);
        if (!('sessionId' in decision)) return;
        const chosen = members.find(({ id }) => id === decision.sessionId);
        assert.equal(chosen?.canTakeTurn, true);
        assert.equal(chosen.load, 0);
      }),
    );
  });
});
