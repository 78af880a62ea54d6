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

  unreadCounts(): ReadonlyMap<string, number> {
    return new Map(
      this.sql
        .all('SELECT to_session, count(*) FROM messages WHERE read = 0 GROUP BY to_session')
        .map(([id, count]) => [String(id), Number(count)]),
    );
  }
}
