import { messageOf, UserError } from '../base/errors';
import { isActive } from '../domain/session';
import { requireSession } from './lookup';
import type { StateStore } from './ports';
import { teamStatusOf } from './team';

/** Some of a team could not be stopped; all others were. */
export class TeamNotStoppedError extends UserError {
  override name = 'TeamNotStoppedError';

  constructor(
    readonly stopped: readonly string[],
    /** Why, by session. */
    readonly reasons: ReadonlyMap<string, unknown>,
  ) {
    const why = [...reasons].map(([id, reason]) => `${id}: ${messageOf(reason)}`).join(' ');
    super(`${stopped.length} stopped, ${reasons.size} could not be stopped. ${why}`);
  }
}

/**
 * Stops a session and everything below it, level by level from the top: a lead that is stopped hands
 * out no more, not even what its delegates give back as they end.
 * @param stop stops one session
 * @returns the ids of those that were stopped
 * @throws {TeamNotStoppedError} when some could not be; it goes on past them
 */
export async function stopTeam(
  store: StateStore,
  rootId: string,
  stop: (id: string) => Promise<void>,
): Promise<readonly string[]> {
  const stopped: string[] = [];
  const reasons = new Map<string, unknown>();
  for (;;) {
    const level = topLevel(store, rootId, (id) => !reasons.has(id));
    if (level.length === 0) break;
    const results = await Promise.allSettled(level.map(stop));
    for (const [i, id] of level.entries()) {
      const result = results[i];
      if (result?.status === 'rejected') reasons.set(id, result.reason);
      else stopped.push(id);
    }
  }
  if (reasons.size > 0) throw new TeamNotStoppedError(stopped, reasons);
  return stopped;
}

/** The active sessions of a team that are nearest to its top. */
function topLevel(
  store: StateStore,
  rootId: string,
  counts: (id: string) => boolean,
): readonly string[] {
  const { root, members } = teamStatusOf(store, requireSession(store, rootId), Infinity);
  const active = [{ session: root, depth: 0 }, ...members].filter(
    ({ session }) => isActive(session.state) && counts(session.id),
  );
  const nearest = Math.min(...active.map(({ depth }) => depth));
  return active.filter(({ depth }) => depth === nearest).map(({ session }) => session.id);
}
