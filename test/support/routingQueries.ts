import type { Tables } from '../../src/store/tables';

/** A query that routing or the tree makes again and again. */
export interface RoutingQuery {
  readonly name: string;
  /** @param id a session's id */
  readonly run: (tables: Tables, id: string) => unknown;
  /** What SQLite says about how it is done, step by step. */
  readonly plan: readonly RegExp[];
}

/** The queries that are made often, with the plans that keep them fast. */
export const ROUTING_QUERIES: readonly RoutingQuery[] = [
  {
    name: 'latest session',
    run: ({ sessions }) => sessions.latest(),
    plan: [/^SCAN sessions USING INDEX sessions_updated$/],
  },
  {
    name: 'ids with a prefix',
    run: ({ sessions }, id) => sessions.idsWithPrefix(id.slice(0, 4), 10),
    plan: [/^(SCAN|SEARCH) sessions USING COVERING INDEX sqlite_autoindex_sessions_1\b/],
  },
  {
    name: 'unread counts',
    run: ({ messages }) => messages.unreadCounts(),
    plan: [/^SCAN messages USING COVERING INDEX messages_unread$/],
  },
  {
    name: "queued counts, 'self'",
    run: ({ handoffs }) => handoffs.queuedCounts('self'),
    plan: [/^SCAN handoffs USING COVERING INDEX handoffs_queued$/],
  },
  {
    name: "queued counts, 'team'",
    run: ({ handoffs }) => handoffs.queuedCounts('team'),
    plan: [/^SCAN handoffs USING COVERING INDEX handoffs_queued$/],
  },
  {
    name: 'senders that crowd a session',
    run: ({ handoffs }) => handoffs.crowdingSenders(),
    plan: [
      /^SEARCH handoffs USING INDEX handoffs_queued \(to_session=\? AND purpose=\?\)$/,
      /^LIST SUBQUERY 1$/,
      /^SCAN handoffs USING COVERING INDEX handoffs_queued$/,
      /^USE TEMP B-TREE FOR DISTINCT$/,
    ],
  },
  {
    name: 'links of all handoffs',
    run: ({ handoffs }) => handoffs.links(),
    // All of them are wanted, in the order in which they lie in the table.
    plan: [/^SCAN handoffs$/],
  },
  {
    name: 'parent of a session',
    run: ({ handoffs }, id) => handoffs.parentOf(id),
    plan: [/^SEARCH handoffs USING INDEX handoffs_to \(to_session=\?\)$/],
  },
  {
    name: 'children of a session',
    run: ({ handoffs }, id) => handoffs.childrenOf(id, 100),
    plan: [
      /^SEARCH handoffs USING COVERING INDEX handoffs_from \(from_session=\?\)$/,
      // Only the children of one session are sorted.
      /^USE TEMP B-TREE FOR ORDER BY$/,
    ],
  },
];
