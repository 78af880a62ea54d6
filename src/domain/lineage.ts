import { PERSON } from './message';

/** A handoff, as far as lineage needs it. */
export interface HandoffLink {
  /** Running number; a higher one is later. */
  readonly id: number;
  readonly from: string;
  readonly to: string;
}

/** Who hangs under whom. Every session is in it exactly once, and so is every deleted one it shows. */
export interface Forest {
  /** Those without a parent: sessions in the order they were given, then deleted ones by id. */
  readonly roots: readonly string[];
  /** Children in the same order; who has none is not in it. */
  readonly children: ReadonlyMap<string, readonly string[]>;
  readonly parents: ReadonlyMap<string, string>;
}

/** A member of a {@link Forest} that is below another one. */
export interface Descendant {
  readonly id: string;
  /** How far below it is, from 1. */
  readonly depth: number;
}

/**
 * Arranges sessions by their handoffs: the parent of a session is the sender of its latest handoff.
 * What a person or the session itself sent does not count, nor what nobody sent that is known. A
 * circle is cut at the member that comes last, so every walk over the result ends.
 * @param sessionIds in the order in which siblings shall stand
 * @param placeholders ids of deleted sessions; the result has those that a session is below, at any
 *   depth. Default: none
 */
export function buildForest(
  sessionIds: readonly string[],
  handoffs: readonly HandoffLink[],
  placeholders: ReadonlySet<string> = new Set(),
): Forest {
  const known = new Set(sessionIds);
  const deleted = [...placeholders].filter((id) => !known.has(id)).sort();
  const senders = latestSenders(new Set([...known, ...deleted]), handoffs);
  const parents = new Map<string, string>();
  // Deleted ones first: in a circle, it is a session that becomes the root if there is one.
  for (const id of [...deleted, ...known]) {
    const sender = senders.get(id);
    if (sender !== undefined && !leadsTo(sender, id, parents)) parents.set(id, sender);
  }
  const shown = withAncestors(known, parents);
  const ids = [...known, ...deleted.filter((id) => shown.has(id))];
  const children = new Map<string, string[]>();
  for (const id of ids) {
    const parent = parents.get(id);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(id);
    else children.set(parent, [id]);
  }
  for (const id of deleted) if (!shown.has(id)) parents.delete(id);
  return { roots: ids.filter((id) => !parents.has(id)), children, parents };
}

/**
 * All that is below a member of a forest, depth-first; its children come in their order.
 * @param maxDepth how far down to go: 1 is the children only. Default: all the way
 */
export function descendantsOf(
  forest: Pick<Forest, 'children'>,
  id: string,
  maxDepth = Infinity,
): Descendant[] {
  const found: Descendant[] = [];
  const seen = new Set([id]);
  // A stack of our own: a line can be longer than calls may be nested.
  const waiting: Descendant[] = [{ id, depth: 0 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.depth > 0) found.push(next);
    if (next.depth >= maxDepth) continue;
    const depth = next.depth + 1;
    for (const child of (forest.children.get(next.id) ?? []).toReversed()) {
      if (seen.has(child)) continue;
      seen.add(child);
      waiting.push({ id: child, depth });
    }
  }
  return found;
}

/** For each id, the sender of its latest handoff among those whose sender counts. */
function latestSenders(
  ids: ReadonlySet<string>,
  handoffs: readonly HandoffLink[],
): ReadonlyMap<string, string> {
  const latest = new Map<string, HandoffLink>();
  for (const handoff of handoffs) {
    const { id, from, to } = handoff;
    if (from === PERSON || from === to || !ids.has(to) || !ids.has(from)) continue;
    const other = latest.get(to);
    if (!other || other.id < id) latest.set(to, handoff);
  }
  return new Map([...latest].map(([to, { from }]) => [to, from]));
}

function leadsTo(start: string, target: string, parents: ReadonlyMap<string, string>): boolean {
  for (let id: string | undefined = start; id !== undefined; id = parents.get(id)) {
    if (id === target) return true;
  }
  return false;
}

function withAncestors(
  ids: ReadonlySet<string>,
  parents: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const all = new Set(ids);
  for (const start of ids) {
    let id = parents.get(start);
    while (id !== undefined && !all.has(id)) {
      all.add(id);
      id = parents.get(id);
    }
  }
  return all;
}
