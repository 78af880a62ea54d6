import type { HandoffState } from '../../src/domain/handoff';
import type { DurableStore } from '../../src/store/durableStore';

/** A handoff with its message, as the tables have them. */
export interface WorkRow {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly purpose: string;
  readonly state: HandoffState;
  readonly originId: number | undefined;
  readonly attempts: number;
  readonly reason: string;
  readonly resultId: number | undefined;
  /** Undefined when its message is gone. */
  readonly isRead: boolean | undefined;
}

/** All handoffs, straight from the tables: no part of what is tested has a say. */
export function workRows(store: DurableStore): readonly WorkRow[] {
  return query(
    store,
    `SELECT h.message_id, h.from_session, h.to_session, h.purpose, h.state, h.origin_id, h.attempts,
       coalesce(h.reason, ''), h.result_message_id, m.read
     FROM handoffs h LEFT JOIN messages m ON m.id = h.message_id ORDER BY h.message_id`,
  ).map(([id, from, to, purpose, state, origin, attempts, reason, result, read]) => ({
    id: Number(id),
    from: String(from),
    to: String(to),
    purpose: String(purpose),
    state: String(state) as HandoffState,
    originId: origin === null ? undefined : Number(origin),
    attempts: Number(attempts),
    reason: String(reason),
    resultId: result === null ? undefined : Number(result),
    isRead: read === null ? undefined : read !== 0,
  }));
}

/** A query on the database itself. */
export function query(store: DurableStore, sql: string): readonly (readonly unknown[])[] {
  return store['statements'].all(sql);
}
