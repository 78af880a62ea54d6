import type { Machine } from './machine';

/** One line of the table. Durations are in microseconds. */
export interface Row {
  readonly what: string;
  /** Undefined when it could not be measured here. */
  readonly measuredUs: number | undefined;
  /** What it is compared with; without it the row just states a figure. */
  readonly beside?: { readonly what: string; readonly us: number | undefined };
  /** Highest allowed ratio; without it the ratio is only stated. */
  readonly bar?: number;
}

/** What one bench has found. */
export interface Section {
  readonly title: string;
  /** What exactly is measured, in sentences. */
  readonly notes: readonly string[];
  readonly rows: readonly Row[];
}

const HEAD = ['what', 'measured', 'beside', 'which takes', 'ratio', 'bar', 'holds'] as const;
const NOT_AVAILABLE = 'not available';

/** The whole report as Markdown, its tables aligned so that it is a table on a terminal, too. */
export function reportText(machine: Machine, sections: readonly Section[]): string {
  const facts = machine.facts.map(([name, value]) => `- ${name}: ${value}`);
  return `${['# Bench results', '', ...facts, '', ...sections.flatMap(sectionLines)].join('\n').trimEnd()}\n`;
}

/** One section as Markdown. */
export function sectionText(section: Section): string {
  return sectionLines(section).join('\n');
}

/** The rows whose ratio is over their bar. */
export function missedBars(sections: readonly Section[]): Row[] {
  return sections.flatMap(({ rows }) => rows.filter((row) => isHeld(row) === false));
}

function sectionLines({ title, notes, rows }: Section): string[] {
  const table = tableLines([[...HEAD], ...rows.map(cells)]);
  return [`## ${title}`, '', ...notes.flatMap((note) => [note, '']), ...table, ''];
}

function cells(row: Row): string[] {
  const { what, measuredUs, beside, bar } = row;
  const held = isHeld(row);
  const ratio = ratioOf(row);
  return [
    what,
    measuredUs === undefined ? NOT_AVAILABLE : durationText(measuredUs),
    beside?.what ?? '',
    beside ? (beside.us === undefined ? NOT_AVAILABLE : durationText(beside.us)) : '',
    ratio === undefined ? '' : ratio.toFixed(2),
    bar === undefined ? '' : `≤ ${bar}`,
    held === undefined ? '' : held ? 'yes' : '**no**',
  ];
}

function ratioOf({ measuredUs, beside }: Row): number | undefined {
  if (measuredUs === undefined || beside?.us === undefined) return undefined;
  return measuredUs / beside.us;
}

function isHeld(row: Row): boolean | undefined {
  const ratio = ratioOf(row);
  return row.bar === undefined || ratio === undefined ? undefined : ratio <= row.bar;
}

function durationText(us: number): string {
  if (us < 1_000) return `${us.toPrecision(3)} µs`;
  const ms = us / 1_000;
  return ms < 1_000 ? `${ms.toPrecision(3)} ms` : `${(ms / 1_000).toPrecision(3)} s`;
}

function tableLines(table: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, column) =>
    Math.max(3, ...table.map((line) => line[column]?.length ?? 0)),
  );
  const lineOf = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = table;
  return [lineOf(head), lineOf(widths.map((width) => '-'.repeat(width))), ...body.map(lineOf)];
}
