import type { Forest } from './lineage';

/** What waits below a member of the lineage, at any depth. */
export interface Below {
  /** Queued handoffs. */
  readonly handoffs: number;
  /** Sessions whose agent waits for a person. */
  readonly waiting: number;
}

/**
 * Adds up what waits below each member of a forest, in one pass over it.
 * @param handoffs queued handoffs by receiver
 * @param waiting the sessions whose agent waits for a person
 * @returns those below whom something waits
 */
export function rollUp(
  forest: Forest,
  handoffs: ReadonlyMap<string, number>,
  waiting: ReadonlySet<string>,
): ReadonlyMap<string, Below> {
  const sums = new Map<string, Below>();
  if (handoffs.size === 0 && waiting.size === 0) return sums;
  const order = [...forest.roots];
  // The list grows while it is walked: parents stand before their children, at any depth.
  for (const id of order) for (const child of forest.children.get(id) ?? []) order.push(child);
  for (const id of order.reverse()) {
    const parent = forest.parents.get(id);
    const below = sums.get(id);
    const ownHandoffs = (handoffs.get(id) ?? 0) + (below?.handoffs ?? 0);
    const ownWaiting = (waiting.has(id) ? 1 : 0) + (below?.waiting ?? 0);
    if (parent === undefined || ownHandoffs + ownWaiting === 0) continue;
    const sum = sums.get(parent);
    sums.set(parent, {
      handoffs: (sum?.handoffs ?? 0) + ownHandoffs,
      waiting: (sum?.waiting ?? 0) + ownWaiting,
    });
  }
  return sums;
}
