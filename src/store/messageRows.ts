import type { SqlValue } from 'sql.js';
import { parseMessage, type Message } from '../domain/message';
import type { MessageTable, NewMessage } from '../session/ports';
import type { Statements } from './statements';

/** The `messages` table. */
export class MessageRows implements MessageTable {
  constructor(
    private readonly sql: Statements,
    private readonly touch: (sessionId: string) => void,
  ) {}

  insert(message: NewMessage): number {
    this.touch(message.to);
    this.sql.run(
      'INSERT INTO messages (from_session, to_session, msg_type, content, timestamp) VALUES (?, ?, ?, ?, ?)',
      [message.from, message.to, message.type, message.content, message.timestamp],
    );
    return Number(this.sql.first('SELECT last_insert_rowid()')?.[0]);
  }

  get(id: number): Message | undefined {
    const row = this.sql.first(GET, [id]);
    return row && decode(row);
  }

  inbox(sessionId: string, limit: number): readonly Message[] {
    return this.sql.all(INBOX, [sessionId, limit]).map(decode);
  }

  setRead(id: number, isRead: boolean): void {
    const to = this.sql.first('SELECT to_session FROM messages WHERE id = ?', [id])?.[0];
    if (to === undefined) return;
    this.touch(String(to));
    this.sql.run('UPDATE messages SET read = ? WHERE id = ?', [isRead ? 1 : 0, id]);
  }

  markAllRead(sessionId: string): number {
    const unread = this.unreadOthers(sessionId);
    for (const id of unread) this.setRead(id, true);
    return unread.length;
  }

  unreadCounts(): ReadonlyMap<string, number> {
    return new Map(
      this.sql
        .all('SELECT to_session, count(*) FROM messages WHERE read = 0 GROUP BY to_session')
        .map(([id, count]) => [String(id), Number(count)]),
    );
  }

  unreadHandoffCounts(): ReadonlyMap<string, number> {
    return new Map(
      this.sql
        .all(
          "SELECT to_session, count(*) FROM messages WHERE read = 0 AND msg_type = 'task_handoff' GROUP BY to_session",
        )
        .map(([id, count]) => [String(id), Number(count)]),
    );
  }

  unreadOtherCounts(): ReadonlyMap<string, number> {
    return new Map(
      this.sql
        .all(
          "SELECT to_session, count(*) FROM messages WHERE read = 0 AND msg_type <> 'task_handoff' GROUP BY to_session",
        )
        .map(([id, count]) => [String(id), Number(count)]),
    );
  }

  removeSettled(sessionId: string): void {
    this.touch(sessionId);
    this.sql.run(REMOVE_SETTLED, [sessionId]);
  }

  private unreadOthers(sessionId: string): number[] {
    return this.sql
      .all(
        "SELECT id FROM messages WHERE read = 0 AND to_session = ? AND msg_type <> 'task_handoff'",
        [sessionId],
      )
      .map(([id]) => Number(id));
  }
}

const COLUMNS = 'id, from_session, to_session, msg_type, content, read, timestamp';
// Made once: a text that is put together for each call is hashed for each call, too.
const GET = `SELECT ${COLUMNS} FROM messages WHERE id = ?`;
const INBOX = `SELECT ${COLUMNS} FROM messages WHERE to_session = ? ORDER BY id DESC LIMIT ?`;

/** What nobody has done yet is kept: a person may want to read what it was. */
const REMOVE_SETTLED = `DELETE FROM messages WHERE to_session = ?1 AND id NOT IN (
  SELECT message_id FROM handoffs
  WHERE to_session = ?1 AND state IN ('queued', 'taken', 'routed', 'stranded')
)`;

function decode(row: readonly SqlValue[]): Message {
  const [id, from, to, type, content, read, timestamp] = row;
  return {
    id: Number(id),
    from: String(from),
    to: String(to),
    body: parseMessage(String(type), String(content)),
    content: String(content),
    isRead: read !== 0,
    timestamp: Number(timestamp),
  };
}
