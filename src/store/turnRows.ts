import type { SqlValue } from 'sql.js';
import type { Turn, TurnTable } from '../session/ports';
import { optionalNumber, optionalText } from './columns';
import type { Statements } from './statements';

const COLUMNS =
  'session_id, command_id, handoff_id, started_at, ended_at, stop_reason, tokens, cost_usd';

// Made once: a text that is put together for each call is hashed for each call, too.
const PUT = `INSERT OR REPLACE INTO turns (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const GET = `SELECT ${COLUMNS} FROM turns WHERE session_id = ? AND command_id = ?`;
const OF_HANDOFF = `SELECT ${COLUMNS} FROM turns INDEXED BY turns_handoff WHERE session_id = ? AND handoff_id = ?`;

/** The `turns` table. */
export class TurnRows implements TurnTable {
  constructor(
    private readonly sql: Statements,
    private readonly touch: (sessionId: string) => void,
  ) {}

  put(turn: Turn): void {
    this.touch(turn.sessionId);
    this.sql.run(PUT, [
      turn.sessionId,
      turn.commandId,
      turn.handoffId ?? null,
      turn.startedAt,
      turn.endedAt ?? null,
      turn.stopReason ?? null,
      turn.tokens ?? null,
      turn.costUsd ?? null,
    ]);
  }

  get(sessionId: string, commandId: string): Turn | undefined {
    const row = this.sql.first(GET, [sessionId, commandId]);
    return row && decode(row);
  }

  list(sessionId: string): readonly Turn[] {
    return this.sql
      .all(`SELECT ${COLUMNS} FROM turns WHERE session_id = ? ORDER BY started_at`, [sessionId])
      .map(decode);
  }

  ofHandoff(sessionId: string, handoffId: number): Turn | undefined {
    const turns = this.sql.all(OF_HANDOFF, [sessionId, handoffId]).map(decode);
    return turns.sort((a, b) => b.startedAt - a.startedAt)[0];
  }

  removeAll(sessionId: string): void {
    this.touch(sessionId);
    this.sql.run('DELETE FROM turns WHERE session_id = ?', [sessionId]);
  }
}

function decode(row: readonly SqlValue[]): Turn {
  const [session, command, handoff, started, ended, stopReason, tokens, cost] = row;
  return {
    sessionId: String(session),
    commandId: String(command),
    handoffId: optionalNumber(handoff),
    startedAt: Number(started),
    endedAt: optionalNumber(ended),
    stopReason: optionalText(stopReason),
    tokens: optionalNumber(tokens),
    costUsd: optionalNumber(cost),
  };
}
