import { buildForest, descendantsOf } from '../domain/lineage';
import type { Session } from '../domain/session';
import type { TeamMember, TeamStatus } from '../domain/status';
import type { StateStore } from './ports';

/** What the lineage is read from. */
type LineageStore = Pick<StateStore, 'sessions' | 'handoffs' | 'messages'>;

/** The ids of a session and of everything below it, depth first; through deleted ones, too. */
export function subtreeOf(store: LineageStore, id: string): readonly string[] {
  const below = descendantsOf(forestOf(store), id).map((it) => it.id);
  return [id, ...below.filter((it) => store.sessions.get(it))];
}

/**
 * A session with everything below it.
 * @param depth levels below it
 */
export function teamStatusOf(store: LineageStore, root: Session, depth: number): TeamStatus {
  const unread = store.messages.unreadCounts();
  const members = descendantsOf(forestOf(store), root.id, depth).flatMap((it): TeamMember[] => {
    const session = store.sessions.get(it.id);
    return session ? [{ session, depth: it.depth, unread: unread.get(it.id) ?? 0 }] : [];
  });
  return { root, unread: unread.get(root.id) ?? 0, members };
}

function forestOf({ sessions, handoffs }: LineageStore): ReturnType<typeof buildForest> {
  const ids = sessions.list().map((session) => session.id);
  return buildForest(ids, handoffs.links(), new Set(sessions.deleted().keys()));
}
