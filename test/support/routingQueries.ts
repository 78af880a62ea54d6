import type { Tables } from '../../src/store/tables';

/** A query that routing or the tree makes again and again. */
export interface RoutingQuery {
  readonly name: string;
  /** @param id a session's id */
  readonly run: (tables: Tables, id: string) => unknown;
  /** What SQLite says about how it is done, step by step. */
  readonly plan: readonly RegExp[];
}

/** From child to child in one index, then each child's record and its queued handoffs in others. */

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
      /^SEARCH handoffs USING INDEX handoffs_inbox \(to_session=\? AND state=\? AND purpose=\?\)$/,
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
  {
    name: 'delegates of a lead',
    run: ({ sessions }, id) => sessions.delegatesOf(id, undefined),
    plan: [/^SEARCH delegations USING PRIMARY KEY \(from_session=\?\)$/],
  },
  {
    name: 'what routing knows of a delegate',
    run: ({ sessions }, id) => sessions.member(id),
    plan: [/^SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 \(id=\?\)$/],
  },
  {
    name: 'load of a delegate',
    run: ({ sessions }, id) => sessions.load(id),
    plan: [
      /^SEARCH handoffs USING COVERING INDEX handoffs_inbox \(to_session=\? AND state=\? AND purpose=\?\)$/,
    ],
  },
  {
    name: 'queued handoffs of an inbox',
    run: ({ handoffs }, id) => handoffs.queued(id, 'team', 5),
    plan: [
      /^SEARCH handoffs USING INDEX handoffs_inbox \(to_session=\? AND state=\? AND purpose=\?\)$/,
    ],
  },
  {
    name: 'queued handoffs from one to another',
    run: ({ handoffs }, id) => handoffs.queuedFrom('bbbb2222', id),
    plan: [
      /^SEARCH handoffs USING INDEX handoffs_inbox \(to_session=\? AND state=\? AND purpose=\?\)$/,
    ],
  },
  {
    name: 'backlog',
    run: ({ handoffs }) => handoffs.backlog(10),
    plan: [
      /^SCAN handoffs USING COVERING INDEX handoffs_queued$/,
      // Only the receivers are sorted, by how much they have.
      /^USE TEMP B-TREE FOR ORDER BY$/,
    ],
  },
  {
    name: 'open handoffs to a session',
    run: ({ handoffs }, id) => handoffs.openTo(id),
    plan: [/^SEARCH handoffs USING INDEX handoffs_inbox \(to_session=\?\)$/],
  },
  {
    name: 'handoffs made for one',
    run: ({ handoffs }) => handoffs.madeFor(1),
    plan: [/^SEARCH handoffs USING INDEX handoffs_origin \(origin_id=\?\)$/],
  },
  {
    name: 'stranded handoffs',
    run: ({ handoffs }) => handoffs.stranded(),
    plan: [/^SCAN handoffs USING INDEX handoffs_stranded$/],
  },
  {
    name: 'queued handoffs past their deadline',
    run: ({ handoffs }) => handoffs.pastDeadline(1),
    plan: [/^SEARCH handoffs USING INDEX handoffs_deadline \(deadline>\? AND deadline<\?\)$/],
  },
  {
    name: 'handoffs that may be tried again',
    run: ({ handoffs }) => handoffs.retryable(1),
    plan: [/^SEARCH handoffs USING INDEX handoffs_put_off \(after>\? AND after<\?\)$/],
  },
  {
    name: 'when the next one may be',
    run: ({ handoffs }) => handoffs.nextPutOff(1),
    plan: [/^SEARCH handoffs USING (COVERING )?INDEX handoffs_put_off \(after>\?\)$/],
  },
  {
    name: 'pending sessions',
    run: ({ sessions }) => sessions.pendingIds(),
    plan: [/^SCAN sessions USING INDEX sessions_pending$/],
  },
  {
    name: 'running sessions',
    run: ({ sessions }) => sessions.runningIds(),
    plan: [/^SCAN sessions USING COVERING INDEX sessions_running$/],
  },
  {
    name: 'number of worktrees',
    run: ({ sessions }) => sessions.countWorktrees(),
    plan: [/^(SCAN|SEARCH) sessions USING (COVERING )?INDEX sessions_worktrees\b/],
  },
  {
    name: 'ids of active sessions',
    run: ({ sessions }) => sessions.activeIds(10),
    plan: [/^SCAN sessions USING (COVERING )?INDEX sessions_active$/],
  },
  {
    name: 'unread handoffs',
    run: ({ messages }) => messages.unreadHandoffCounts(),
    plan: [/^SCAN messages USING COVERING INDEX messages_unread$/],
  },
  {
    name: 'latest handoff for a session itself',
    run: ({ handoffs }, id) => handoffs.latestSelf(id),
    plan: [/^SEARCH handoffs USING INDEX handoffs_to \(to_session=\?\)$/],
  },
  {
    name: 'unread messages that are no handoffs',
    run: ({ messages }) => messages.unreadOtherCounts(),
    plan: [/^SCAN messages USING COVERING INDEX messages_unread$/],
  },
  {
    name: 'inbox',
    run: ({ messages }, id) => messages.inbox(id, 200),
    plan: [/^SEARCH messages USING INDEX messages_inbox \(to_session=\?\)$/],
  },
  {
    name: 'latest turn on a handoff',
    run: ({ turns }, id) => turns.ofHandoff(id, 1),
    plan: [/^SEARCH turns USING INDEX turns_handoff \(session_id=\? AND handoff_id=\?\)$/],
  },
];
