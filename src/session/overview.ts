import type { Event } from '../base/event';
import { buildForest, type Forest } from '../domain/lineage';
import type { Session } from '../domain/session';
import type { StateStore } from './ports';

/** Everything a view of all sessions shows. */
export interface Overview {
  /** Newest first. */
  readonly sessions: ReadonlyMap<string, Session>;
  /** Deleted sessions that are needed to show who asked whom: what they were about, by id. */
  readonly deleted: ReadonlyMap<string, string>;
  readonly forest: Forest;
  /**
   * Unread handoffs by receiver: queued for itself or for its team, or stranded; those without any are
   * not in it.
   */
  readonly handoffs: ReadonlyMap<string, number>;
  /** Other unread messages by receiver; those without any are not in it. */
  readonly unread: ReadonlyMap<string, number>;
}

/** Where a view gets its {@link Overview}, and is told when it changes. */
export interface OverviewSource {
  overview(): Overview;
  /** Fires with the ids of the sessions that look different now. */
  readonly onDidChange: Event<readonly string[]>;
}

/** Reads the overview from the tables. */
export function readOverview({
  sessions,
  handoffs,
  messages,
}: Pick<StateStore, 'sessions' | 'handoffs' | 'messages'>): Overview {
  const list = sessions.list();
  const deleted = sessions.deleted();
  const ids = list.map((session) => session.id);
  return {
    sessions: new Map(list.map((session) => [session.id, session])),
    deleted,
    forest: buildForest(ids, handoffs.links(), new Set(deleted.keys())),
    handoffs: messages.unreadHandoffCounts(),
    unread: messages.unreadOtherCounts(),
  };
}
