import assert from 'node:assert/strict';
import { buildForest, type HandoffLink } from '../../src/domain/lineage';
import { rollUp } from '../../src/domain/rollUp';

const links = (...pairs: readonly (readonly [string, string])[]): HandoffLink[] =>
  pairs.map(([from, to], i) => ({ id: i + 1, from, to }));

describe('rollUp', () => {
  const forest = buildForest(
    ['lead', 'left', 'right', 'leaf', 'alone'],
    links(['lead', 'left'], ['lead', 'right'], ['left', 'leaf']),
  );

  it('adds up what waits below each, but not its own', () => {
    const counts = new Map([
      ['lead', 7],
      ['left', 1],
      ['right', 2],
      ['leaf', 4],
      ['alone', 8],
    ]);
    assert.deepEqual(
      rollUp(forest, counts, new Set(['leaf', 'lead'])),
      new Map([
        ['left', { handoffs: 4, waiting: 1 }],
        ['lead', { handoffs: 7, waiting: 1 }],
      ]),
    );
  });

  it('goes through deleted sessions, and ends on circles', () => {
    const odd = buildForest(
      ['a', 'b', 'c'],
      links(['gone', 'a'], ['a', 'b'], ['b', 'c'], ['c', 'b']),
      new Set(['gone']),
    );
    const sums = rollUp(odd, new Map([['b', 1]]), new Set());
    const below = odd.parents.get('b');
    assert.ok(below === undefined || sums.get(below)?.handoffs === 1);
    const deep = buildForest(['a'], links(['gone', 'a']), new Set(['gone']));
    assert.deepEqual(rollUp(deep, new Map([['a', 2]]), new Set()).get('gone'), {
      handoffs: 2,
      waiting: 0,
    });
  });

  it('takes a line of 10,000 sessions', () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `s${i}`);
    const line = links(...ids.slice(1).map((id, i) => [ids[i] ?? '', id] as const));
    const parents = new Map(line.map(({ from, to }) => [to, from]));
    const children = new Map(line.map(({ from, to }) => [from, [to]]));
    const sums = rollUp({ roots: ['s0'], children, parents }, new Map([['s9999', 3]]), new Set());
    assert.equal(sums.size, 9_999);
    assert.equal(sums.get('s0')?.handoffs, 3);
  });
});
