import assert from 'node:assert/strict';
import {
  buildForest,
  descendantsOf,
  type Forest,
  type HandoffLink,
} from '../../src/domain/lineage';
import { PERSON } from '../../src/domain/message';

/** Handoffs, the oldest first, each written as `from>to`. */
function links(...texts: readonly string[]): HandoffLink[] {
  return texts.map((text, i) => {
    const [from = '', to = ''] = text.split('>');
    return { id: i + 1, from, to };
  });
}

/** A forest as text: `a(b c(d))`, which ends only when every walk does. */
function drawn(forest: Forest): string {
  const draw = (id: string): string => {
    const children = forest.children.get(id)?.map(draw) ?? [];
    return children.length === 0 ? id : `${id}(${children.join(' ')})`;
  };
  return forest.roots.map(draw).join(' ');
}

describe('buildForest', () => {
  it('hangs a session under the sender of its latest handoff', () => {
    const forest = buildForest(['a', 'b', 'c'], links('a>c', 'b>c'));
    assert.equal(drawn(forest), 'a b(c)');
    assert.equal(forest.parents.get('c'), 'b');
  });

  it('goes by the number of a handoff, not by its place in the list', () => {
    assert.equal(drawn(buildForest(['a', 'b', 'c'], links('a>c', 'b>c').reverse())), 'a b(c)');
  });

  it('takes senders that are no sessions, and handoffs to oneself, as no parent', () => {
    assert.equal(drawn(buildForest(['a'], links('a>a', 'somebody>a'))), 'a');
  });

  it('goes by the latest handoff whose sender counts', () => {
    const handoffs = links('a>b', 'b>b', `${PERSON}>b`, 'somebody>b');
    assert.equal(drawn(buildForest(['a', 'b'], handoffs)), 'a(b)');
  });

  it('takes a person for no parent even when a session has that id', () => {
    assert.equal(drawn(buildForest([PERSON, 'a'], links(`${PERSON}>a`))), `${PERSON} a`);
    assert.equal(drawn(buildForest(['a'], links(`${PERSON}>a`), new Set([PERSON]))), 'a');
  });

  it('keeps siblings in the given order', () => {
    const forest = buildForest(['d', 'b', 'a', 'c'], links('a>b', 'a>c', 'a>d'));
    assert.equal(drawn(forest), 'a(d b c)');
  });

  it('shows every session exactly once when handoffs go in a circle', () => {
    const forest = buildForest(['a', 'b', 'c', 'd'], links('a>b', 'b>c', 'c>a', 'c>d'));
    assert.equal(drawn(forest), 'c(a(b) d)');
  });

  describe('with deleted sessions', () => {
    it('hangs the sessions of a deleted one under it, after the others', () => {
      const forest = buildForest(['a', 'b', 'c'], links('gone>c', 'gone>a'), new Set(['gone']));
      assert.equal(drawn(forest), 'b gone(a c)');
      assert.equal(forest.parents.get('a'), 'gone');
    });

    it('puts a deleted one under its own parent, known or deleted, to any depth', () => {
      const handoffs = links('top>x', 'x>y', 'y>z', 'z>a', 'top>b');
      const forest = buildForest(['a', 'top', 'b'], handoffs, new Set(['x', 'y', 'z']));
      assert.equal(drawn(forest), 'top(b x(y(z(a))))');
    });

    it('leaves those out that no session is below', () => {
      const handoffs = links('top>x', 'x>y', 'top>a', 'x>z', 'z>a', 'top>a');
      const forest = buildForest(['top', 'a'], handoffs, new Set(['x', 'y', 'z', 'other']));
      assert.equal(drawn(forest), 'top(a)');
      assert.deepEqual([...forest.parents], [['a', 'top']]);
      assert.deepEqual([...forest.children.keys()], ['top']);
    });

    it('puts several in the order of their ids', () => {
      const handoffs = links('z>a', 'x>b', 'top>z', 'top>x', 'q>c', 'p>d');
      const ids = ['d', 'c', 'b', 'a', 'top'];
      const forest = buildForest(ids, handoffs, new Set(['z', 'x', 'q', 'p']));
      assert.equal(drawn(forest), 'top(x(b) z(a)) p(d) q(c)');
    });

    it('takes a session that is there as there', () => {
      assert.equal(drawn(buildForest(['a', 'b'], links('a>b'), new Set(['a']))), 'a(b)');
    });

    it('cuts circles, and rather shows a session at the top than a deleted one', () => {
      assert.equal(drawn(buildForest(['a'], links('a>x', 'x>a'), new Set(['x']))), 'a');
      assert.equal(
        drawn(buildForest(['b', 'a'], links('a>x', 'x>b', 'b>a'), new Set(['x']))),
        'a(x(b))',
      );
      assert.equal(
        drawn(buildForest(['a'], links('x>y', 'y>x', 'x>a'), new Set(['x', 'y']))),
        'y(x(a))',
      );
    });
  });

  it('shows every session exactly once, whatever was handed over', () => {
    // A small generator of our own, so that a failure can be repeated.
    let state = 1;
    const next = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', PERSON];
    for (let round = 0; round < 500; round += 1) {
      const pick = (): string => names[next(names.length)] ?? '';
      const handoffs = links(...Array.from({ length: 14 }, () => `${pick()}>${pick()}`));
      const sessions = names.filter(() => next(2) === 0);
      const deleted = new Set(names.filter((name) => !sessions.includes(name) && next(3) > 0));
      const forest = buildForest(sessions, handoffs, deleted);
      const shown = forest.roots.flatMap((id) => [
        id,
        ...descendantsOf(forest, id).map((it) => it.id),
      ]);
      assert.equal(new Set(shown).size, shown.length);
      assert.deepEqual(
        sessions.filter((id) => !shown.includes(id)),
        [],
      );
      for (const id of shown) {
        if (sessions.includes(id)) continue;
        assert.ok(deleted.has(id));
        assert.ok(descendantsOf(forest, id).some((it) => sessions.includes(it.id)));
      }
    }
  });
});

describe('descendantsOf', () => {
  const forest = buildForest(['a', 'b', 'c', 'd', 'e'], links('a>b', 'b>c', 'c>d', 'a>e'));

  it('lists all that is below, depth-first, with its depth', () => {
    assert.deepEqual(descendantsOf(forest, 'a'), [
      { id: 'b', depth: 1 },
      { id: 'c', depth: 2 },
      { id: 'd', depth: 3 },
      { id: 'e', depth: 1 },
    ]);
    assert.deepEqual(descendantsOf(forest, 'd'), []);
    assert.deepEqual(descendantsOf(forest, 'nobody'), []);
  });

  it('goes no deeper than asked', () => {
    const idsTo = (depth: number): string =>
      descendantsOf(forest, 'a', depth)
        .map(({ id }) => id)
        .join('');
    assert.deepEqual([0, 1, 2, 3].map(idsTo), ['', 'be', 'bce', 'bcde']);
  });

  it('ends even where children go in a circle', () => {
    const children = new Map([
      ['a', ['b']],
      ['b', ['a', 'b']],
    ]);
    assert.deepEqual(descendantsOf({ children }, 'a'), [{ id: 'b', depth: 1 }]);
  });

  it('follows a line of 2,000 sessions to its end', () => {
    const ids = Array.from({ length: 2_000 }, (_, i) => `s${i}`);
    const line = ids.slice(1).map((id, i) => `s${i}>${id}`);
    assert.equal(descendantsOf(buildForest(ids, links(...line)), 's0').length, 1_999);
  });
});
