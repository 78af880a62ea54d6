import type { Session } from '../domain/session';
import type { SessionStatus } from '../domain/status';
import { AmbiguousSessionError, SessionNotFoundError } from './errors';
import type { StateStore } from './ports';

/** How many children a status names. */
const STATUS_CHILDREN = 5;

/**
 * Finds a session by what a person gave for it: `latest`, an exact id, or the beginning of one id.
 * @throws {SessionNotFoundError} when there is none
 * @throws {AmbiguousSessionError} when the text is the beginning of several ids
 */
export function resolveSession(store: StateStore, text: string): Session {
  const exact = text === 'latest' ? store.sessions.latest() : store.sessions.get(text);
  if (exact) return exact;
  const candidates = text === '' ? [] : store.sessions.idsWithPrefix(text, 10);
  if (candidates.length > 1) throw new AmbiguousSessionError(text, candidates);
  const [only] = candidates;
  const session = only === undefined ? undefined : store.sessions.get(only);
  if (!session) throw new SessionNotFoundError(text);
  return session;
}

/** The session with its place in the lineage and what waits in its inbox. */
export function statusOf(store: StateStore, session: Session): SessionStatus {
  return {
    session,
    parent: store.handoffs.parentOf(session.id),
    children: store.handoffs.childrenOf(session.id, STATUS_CHILDREN),
    unread: store.messages.unreadCounts().get(session.id) ?? 0,
  };
}

/** The session with exactly this id. @throws {SessionNotFoundError} when there is none */
export function requireSession(store: StateStore, id: string): Session {
  const session = store.sessions.get(id);
  if (!session) throw new SessionNotFoundError(id);
  return session;
}

/**
 * Changes some fields of a session, as a transaction of its own.
 * @throws {SessionNotFoundError} when there is none
 */
export function updateSession(store: StateStore, id: string, patch: Partial<Session>): void {
  store.mutate(() => store.sessions.update({ ...requireSession(store, id), ...patch }));
}
