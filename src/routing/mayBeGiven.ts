import type { Handoff } from '../domain/handoff';
import type { StateStore } from '../session/ports';
import type { TeamPort } from './parts';

/**
 * True when a queued handoff may have been given to its agent without our knowing: it must stay where
 * it is, or it could be done twice.
 */
export function mayBeGiven(
  { store, team }: { store: StateStore; team: Pick<TeamPort, 'isFollowing' | 'isGiving'> },
  handoff: Handoff,
): boolean {
  if (handoff.state !== 'queued') return false;
  if (team.isGiving(handoff.id)) return true;
  const session = store.sessions.get(handoff.to);
  if (handoff.purpose === 'team' || !session) return false;
  const hasAgent = session.presence === 'alive' || session.presence === 'unknown';
  return hasAgent && !team.isFollowing(session.id);
}
