import assert from 'node:assert/strict';
import { buildForest } from '../../src/domain/lineage';

describe('buildForest', () => {
  it('hangs a session under the sender of its latest handoff', () => {
    const forest = buildForest(
      ['a', 'b', 'c'],
      [
        { id: 1, from: 'a', to: 'c' },
        { id: 2, from: 'b', to: 'c' },
      ],
    );
    assert.deepEqual(forest.roots, ['a', 'b']);
    assert.deepEqual(forest.children.get('b'), ['c']);
    assert.equal(forest.parents.get('c'), 'b');
  });

  it('takes senders that are no sessions, and handoffs to oneself, as no parent', () => {
    const forest = buildForest(
      ['a'],
      [
        { id: 1, from: 'a', to: 'a' },
        { id: 2, from: 'a person', to: 'a' },
      ],
    );
    assert.deepEqual(forest.roots, ['a']);
  });

  it('shows every session exactly once when handoffs go in a circle', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const forest = buildForest(ids, [
      { id: 1, from: 'a', to: 'b' },
      { id: 2, from: 'b', to: 'c' },
      { id: 3, from: 'c', to: 'a' },
      { id: 4, from: 'c', to: 'd' },
    ]);
    const shown: string[] = [];
    const walk = (id: string): void => {
      shown.push(id);
      forest.children.get(id)?.forEach(walk);
    };
    forest.roots.forEach(walk);
    assert.deepEqual(shown.sort(), ids);
  });
});
