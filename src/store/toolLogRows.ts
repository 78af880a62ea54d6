import type { SqlValue } from 'sql.js';
import type { NewToolLogEntry, ToolLogEntry, ToolLogTable } from '../session/ports';
import type { Statements } from './statements';

const COLUMNS =
  'session_id, tool_name, input_summary, output_summary, duration_ms, risk_score, timestamp';

/** The `tool_log` table. */
export class ToolLogRows implements ToolLogTable {
  constructor(
    private readonly sql: Statements,
    private readonly touch: (sessionId: string) => void,
  ) {}

  insert(entry: NewToolLogEntry): number {
    this.touch(entry.sessionId);
    this.sql.run(`INSERT INTO tool_log (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`, [
      entry.sessionId,
      entry.toolName,
      entry.inputSummary,
      entry.outputSummary,
      entry.durationMs,
      entry.riskScore,
      entry.timestamp,
    ]);
    return Number(this.sql.first('SELECT last_insert_rowid()')?.[0]);
  }

  page(sessionId: string, page: number, pageSize: number): readonly ToolLogEntry[] {
    return this.sql
      .all(
        `SELECT id, ${COLUMNS} FROM tool_log WHERE session_id = ? ORDER BY id DESC LIMIT ? OFFSET ?`,
        [sessionId, pageSize, (page - 1) * pageSize],
      )
      .map(decode);
  }

  count(sessionId: string): number {
    return Number(
      this.sql.first('SELECT count(*) FROM tool_log WHERE session_id = ?', [sessionId])?.[0],
    );
  }

  removeAll(sessionId: string): void {
    this.touch(sessionId);
    this.sql.run('DELETE FROM tool_log WHERE session_id = ?', [sessionId]);
  }
}

function decode(row: readonly SqlValue[]): ToolLogEntry {
  const [id, session, tool, input, output, duration, risk, timestamp] = row;
  return {
    id: Number(id),
    sessionId: String(session),
    toolName: String(tool),
    inputSummary: String(input),
    outputSummary: String(output),
    durationMs: Number(duration),
    riskScore: Number(risk),
    timestamp: Number(timestamp),
  };
}
