import type { Tables } from '../src/store/tables';
import { SESSIONS, sessionId, textOf, workingSession } from './fixtures';

/** Makes the n-th change; to be run inside a transaction. */
export type Change = (tables: Tables, n: number) => void;

const sessions = Array.from({ length: SESSIONS }, (_, n) => workingSession(n));
const [firstSession = workingSession(0)] = sessions;
const text = textOf(1, 600);

/** What the end of a turn changes: the session's row, and a turn. */
export const endOfTurn: Change = (tables, n) => {
  const session = sessions[n % SESSIONS] ?? firstSession;
  const at = session.updatedAt + n;
  tables.sessions.update({ ...session, state: 'idle', appliedSeq: n, updatedAt: at });
  tables.turns.put({
    sessionId: session.id,
    commandId: `0b6f4f0e-5c53-4c3c-9a3d-${String(n).padStart(12, '0')}`,
    handoffId: undefined,
    startedAt: at - 60_000,
    endedAt: at,
    stopReason: 'end_turn',
    tokens: n,
    costUsd: 0.25,
  });
};

/** A message between two sessions. */
export const newMessage: Change = (tables, n) => {
  tables.messages.insert({
    from: sessionId(n % SESSIONS),
    to: sessionId((n + 1) % SESSIONS),
    type: 'query',
    content: text,
    timestamp: n,
  });
};
