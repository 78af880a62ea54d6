import { rollUp, type Below } from '../domain/rollUp';
import { viewPlaceholder, viewSession, type SessionView } from '../domain/sessionView';
import { countText } from '../domain/words';
import type { Overview } from '../session/overview';

/** The number on the view's icon, and what it says when one points at it. */
export interface Badge {
  readonly value: number;
  readonly tooltip: string;
}

/** What the rows of the Sessions view show at one moment. Sums are made once, not once a row. */
export class SessionRows {
  private readonly waiting: ReadonlySet<string>;
  private readonly below: ReadonlyMap<string, Below>;

  constructor(readonly overview: Overview) {
    const { sessions, forest, handoffs } = overview;
    const waiting = new Set<string>();
    for (const { id, requests } of sessions.values()) if (requests.length > 0) waiting.add(id);
    this.waiting = waiting;
    this.below = rollUp(forest, handoffs, waiting);
  }

  /** True for a session, and for a deleted one that others hang under. */
  has(id: string): boolean {
    const { sessions, deleted, forest } = this.overview;
    return sessions.has(id) || (deleted.has(id) && forest.children.has(id));
  }

  childrenOf(id: string): readonly string[] {
    return this.overview.forest.children.get(id) ?? [];
  }

  /**
   * How a row looks; undefined when there is none.
   * @param isCollapsed what is below it cannot be seen, so the row says what waits there
   */
  view(id: string, isCollapsed: boolean): SessionView | undefined {
    const { sessions, deleted, handoffs, unread } = this.overview;
    const below = isCollapsed ? this.below.get(id) : undefined;
    const counts = {
      handoffs: handoffs.get(id) ?? 0,
      handoffsBelow: below?.handoffs ?? 0,
      waitingBelow: below?.waiting ?? 0,
      unread: unread.get(id) ?? 0,
    };
    const childCount = this.childrenOf(id).length;
    const session = sessions.get(id);
    if (session) return viewSession(session, counts, childCount);
    const label = this.has(id) ? deleted.get(id) : undefined;
    return label === undefined ? undefined : viewPlaceholder(id, label, counts, childCount);
  }

  /** All that waits, for others and for the person; undefined when nothing does. */
  badge(): Badge | undefined {
    let handoffs = 0;
    for (const count of this.overview.handoffs.values()) handoffs += count;
    const waiting = this.waiting.size;
    if (handoffs + waiting === 0) return undefined;
    const facts = [
      ...(handoffs === 0
        ? []
        : [`${countText(handoffs, 'handoff')} ${handoffs === 1 ? 'waits' : 'wait'}`]),
      ...(waiting === 0
        ? []
        : [`${countText(waiting, 'agent waits', 'agents wait')} for your answer`]),
    ];
    return { value: handoffs + waiting, tooltip: facts.join(' · ') };
  }

  /** True when a row of `id` is in the same place as it was `before`, with the same rows below it. */
  hasSamePlace(before: SessionRows, id: string): boolean {
    return (
      before.has(id) === this.has(id) &&
      before.overview.sessions.has(id) === this.overview.sessions.has(id) &&
      before.overview.forest.parents.get(id) === this.overview.forest.parents.get(id) &&
      sameList(before.childrenOf(id), this.childrenOf(id))
    );
  }

  /** `ids`, and those above them that show what is below them. */
  withCollapsedAbove(
    ids: Iterable<string>,
    isCollapsed: (id: string) => boolean,
  ): ReadonlySet<string> {
    const { parents } = this.overview.forest;
    const found = new Set(ids);
    const seen = new Set<string>();
    for (const start of [...found]) {
      let id = parents.get(start);
      while (id !== undefined && !seen.has(id)) {
        seen.add(id);
        if (isCollapsed(id)) found.add(id);
        id = parents.get(id);
      }
    }
    return found;
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => b[i] === id);
}
