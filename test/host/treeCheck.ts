import * as assert from 'node:assert/strict';
import type { InternalApi } from '../../src/extension';
import type { SessionNode } from '../../src/editor/sessionNode';

/** What a row says in numbers, and where it is. */
interface Fact {
  readonly parent: string | undefined;
  readonly handoffs: number;
  readonly unread: number;
}

/**
 * Compares the Sessions view with the tables: who hangs under whom, what waits for each, and the badge.
 * Rows must be expanded, or have nothing below them that waits.
 */
export async function checkTree(api: InternalApi): Promise<void> {
  const { store } = await api.workbench();
  const sessions = store.sessions.list();
  const [any] = sessions;
  // Also paints what has changed since the last time, so that nothing has to be waited for.
  if (any) await api.tree.reveal(any.id);
  const shown = new Map<string, Fact>();
  const visit = (node: SessionNode | undefined): void => {
    for (const child of api.tree.getChildren(node)) {
      const text = String(api.tree.getTreeItem(child).description);
      shown.set(child.id, {
        parent: node?.id,
        handoffs: Number(/· (\d+) handoffs?(?! below)/.exec(text)?.[1] ?? 0),
        unread: Number(/· (\d+) unread/.exec(text)?.[1] ?? 0),
      });
      assert.equal(api.tree.getParent(child)?.id, node?.id);
      visit(child);
    }
  };
  visit(undefined);
  let waiting = 0;
  for (const { id, requests } of sessions) {
    const queued = (['self', 'team'] as const).flatMap((it) => store.handoffs.queued(id, it));
    queued.push(...store.handoffs.stranded().filter(({ to }) => to === id));
    const others = store.messages.inbox(id, 1_000).filter((it) => !store.handoffs.get(it.id));
    const expected = {
      parent: store.handoffs.parentOf(id),
      handoffs: queued.length,
      unread: others.filter(({ isRead }) => !isRead).length,
    };
    assert.deepEqual(shown.get(id), expected, `the row of ${id}`);
    waiting += queued.length + (requests.length > 0 ? 1 : 0);
  }
  const placeholders = [...shown.keys()].filter((id) => !store.sessions.get(id));
  for (const id of placeholders) assert.ok(store.sessions.deleted().has(id));
  assert.equal(api.tree.view.badge?.value ?? 0, waiting, api.tree.view.badge?.tooltip);
}
