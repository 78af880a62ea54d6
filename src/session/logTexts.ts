import { suggestedAction, type RiskThresholds } from '../domain/risk';
import { shorten } from '../domain/message';
import { countText } from '../domain/words';
import type { ActivityEntry, ToolLogEntry } from './ports';
import type { ToolCallPage } from './toolLog';

/** Longest input of a tool call that a line shows, in characters. */
const MAX_INPUT = 120;

/** What an agent did with tools as a document, a call a line, the newest first. */
export function formatToolLog(
  sessionId: string,
  { entries, total }: ToolCallPage,
  thresholds: RiskThresholds,
): string {
  const head =
    entries.length < total
      ? `Tool calls of session ${sessionId}: the newest ${entries.length} of ${total}`
      : `Tool calls of session ${sessionId}: ${total}`;
  if (total === 0) return `${head}\n`;
  const rows = entries.map((entry) => toolRow(entry, thresholds));
  const columns = ['Time', 'Tool', 'Risk', 'Suggested', 'Duration', 'Input'];
  return `${[head, '', ...aligned([columns, ...rows])].join('\n')}\n`;
}

/** What Deputy did by itself as a document, the newest first. */
export function formatActivity(entries: readonly ActivityEntry[]): string {
  if (entries.length === 0) return 'Deputy has done nothing by itself yet.\n';
  const rows = entries.map(({ at, kind, detail }) => [timeOf(at), kind, oneLine(detail)]);
  const head = `The latest ${countText(entries.length, 'entry', 'entries')}, the newest first`;
  return `${[head, '', ...aligned(rows)].join('\n')}\n`;
}

function toolRow(entry: ToolLogEntry, thresholds: RiskThresholds): readonly string[] {
  const { timestamp, toolName, riskScore, durationMs, inputSummary } = entry;
  return [
    timeOf(timestamp),
    toolName,
    riskScore.toFixed(2),
    suggestedAction(riskScore, thresholds).replace('_', ' '),
    `${(durationMs / 1000).toFixed(1)} s`,
    shorten(oneLine(inputSummary), MAX_INPUT),
  ];
}

/** Columns of equal width, but for the last one. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

function timeOf(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
