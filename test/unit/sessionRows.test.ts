import assert from 'node:assert/strict';
import { buildForest } from '../../src/domain/lineage';
import type { Session } from '../../src/domain/session';
import { SessionRows } from '../../src/editor/sessionRows';
import { requireTrust } from '../../src/editor/trust';
import type { Overview } from '../../src/session/overview';
import { makeRequest, makeSession } from '../support/sessions';

const ASKS = [makeRequest('r', 'May I?')];

/** `lead` over `left` and `right`; `left` over `leaf`; `gone`, which is deleted, over `orphan`. */
function overviewOf(
  patches: Readonly<Record<string, Partial<Session>>> = {},
  handoffs: Readonly<Record<string, number>> = {},
): Overview {
  const ids = ['lead', 'left', 'right', 'leaf', 'orphan'];
  const pairs = [
    ['lead', 'left'],
    ['lead', 'right'],
    ['left', 'leaf'],
    ['gone', 'orphan'],
  ] as const;
  const deleted = new Map([['gone', 'what it was']]);
  return {
    sessions: new Map(ids.map((id) => [id, makeSession({ id, ...patches[id] })])),
    deleted,
    forest: buildForest(
      ids,
      pairs.map(([from, to], i) => ({ id: i + 1, from, to })),
      new Set(deleted.keys()),
    ),
    handoffs: new Map(Object.entries(handoffs)),
    unread: new Map(),
  };
}

describe('SessionRows', () => {
  it('says what is below a row only while that cannot be seen', () => {
    const rows = new SessionRows(overviewOf({ leaf: { requests: ASKS } }, { leaf: 2, orphan: 1 }));
    assert.equal(rows.view('lead', false)?.description, 'Pending · rehearsal');
    assert.equal(
      rows.view('lead', true)?.description,
      'Pending · 1 waits for you below · rehearsal · 2 handoffs below',
    );
    assert.equal(rows.view('gone', true)?.description, 'Deleted · 1 handoff below');
    assert.equal(rows.view('nobody', true), undefined);
  });

  it('counts on the badge what waits for anybody, and says for whom', () => {
    assert.equal(new SessionRows(overviewOf()).badge(), undefined);
    const asked = { left: { requests: ASKS } };
    assert.deepEqual(new SessionRows(overviewOf(asked, { lead: 2, leaf: 1 })).badge(), {
      value: 4,
      tooltip: '3 handoffs wait · 1 agent waits for your answer',
    });
    assert.equal(new SessionRows(overviewOf({}, { lead: 1 })).badge()?.tooltip, '1 handoff waits');
  });

  it('repaints the collapsed rows above a changed one, and no others', () => {
    const rows = new SessionRows(overviewOf());
    const collapsed = new Set(['lead', 'right']);
    const ids = rows.withCollapsedAbove(['leaf'], (id) => collapsed.has(id));
    assert.deepEqual([...ids].sort(), ['lead', 'leaf']);
  });

  it('sees when a row has moved, or became a deleted one', () => {
    const before = new SessionRows(overviewOf());
    assert.ok(new SessionRows(overviewOf()).hasSamePlace(before, 'leaf'));
    const base = overviewOf();
    const moved = buildForest([...base.sessions.keys()], [{ id: 9, from: 'right', to: 'leaf' }]);
    const now = new SessionRows({ ...base, forest: moved });
    assert.ok(!now.hasSamePlace(before, 'leaf'));
    assert.ok(!now.hasSamePlace(before, 'left'));
  });

  it('makes the rows of 10,000 sessions in well under a frame of waiting', () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => `s${i}`);
    const links = ids.slice(1).map((to, i) => ({ id: i + 1, from: ids[i >> 3] ?? '', to }));
    const overview = {
      ...overviewOf(),
      sessions: new Map(ids.map((id) => [id, makeSession({ id })])),
      forest: buildForest(ids, links),
      handoffs: new Map(ids.map((id) => [id, 1])),
    };
    const start = performance.now();
    const rows = new SessionRows(overview);
    assert.match(rows.view('s0', true)?.description ?? '', /1 handoff \(\+9999 below\)/);
    assert.ok(performance.now() - start < 100);
  });
});

describe('requireTrust', () => {
  it('refuses what starts programs in a workspace that is not trusted', () => {
    const vs = (isTrusted: boolean) => ({ workspace: { isTrusted } }) as never;
    assert.throws(() => requireTrust(vs(false)), /the workspace is not trusted/);
    requireTrust(vs(true));
  });
});
