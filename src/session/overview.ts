import type { Event } from '../base/event';
import { buildForest, type Forest } from '../domain/lineage';
import type { Session } from '../domain/session';
import type { StateStore } from './ports';

/** Everything a view of all sessions shows. */
export interface Overview {
  /** Newest first. */
  readonly sessions: ReadonlyMap<string, Session>;
  readonly forest: Forest;
  /** Unread messages by session. */
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
  return {
    sessions: new Map(list.map((session) => [session.id, session])),
    forest: buildForest(
      list.map((session) => session.id),
      handoffs.links(),
    ),
    unread: messages.unreadCounts(),
  };
}
