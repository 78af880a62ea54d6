/** A handoff, as far as lineage needs it. */
export interface HandoffLink {
  /** Running number; a higher one is later. */
  readonly id: number;
  readonly from: string;
  readonly to: string;
}

/** Who hangs under whom. Every session is in it exactly once. */
export interface Forest {
  /** Sessions without a parent, in the order they were given. */
  readonly roots: readonly string[];
  /** Children in the order the sessions were given; sessions without children are not in it. */
  readonly children: ReadonlyMap<string, readonly string[]>;
  readonly parents: ReadonlyMap<string, string>;
}

/**
 * Arranges sessions by their handoffs: the parent of a session is the sender of its latest handoff.
 * A parent that is not among the sessions counts as none, and a circle is cut at its first member, so
 * every walk over the result ends.
 * @param sessionIds in the order in which siblings shall stand
 */
export function buildForest(
  sessionIds: readonly string[],
  handoffs: readonly HandoffLink[],
): Forest {
  const known = new Set(sessionIds);
  const latest = new Map<string, HandoffLink>();
  for (const handoff of handoffs) {
    if (handoff.from === handoff.to || !known.has(handoff.to) || !known.has(handoff.from)) continue;
    const other = latest.get(handoff.to);
    if (!other || other.id < handoff.id) latest.set(handoff.to, handoff);
  }
  const parents = new Map<string, string>();
  for (const id of sessionIds) {
    const parent = latest.get(id)?.from;
    if (parent !== undefined && !leadsTo(parent, id, parents)) parents.set(id, parent);
  }
  const children = new Map<string, string[]>();
  for (const id of sessionIds) {
    const parent = parents.get(id);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(id);
    else children.set(parent, [id]);
  }
  return { roots: sessionIds.filter((id) => !parents.has(id)), children, parents };
}

function leadsTo(start: string, target: string, parents: ReadonlyMap<string, string>): boolean {
  for (let id: string | undefined = start; id !== undefined; id = parents.get(id)) {
    if (id === target) return true;
  }
  return false;
}
