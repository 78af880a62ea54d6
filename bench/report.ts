import type { Machine } from './machine';

/** What the figures of a row are: microseconds, bytes, or bytes a second. */
type Unit = 'us' | 'bytes' | 'bytes/s';

/** One line of the table. */
export interface Row {
  readonly what: string;
  /** Default: microseconds. */
  readonly unit?: Unit;
  /** Undefined when it could not be measured here. */
  readonly measured: number | undefined;
  /** What it is compared with; without it the row just states a figure. */
  readonly beside?: { readonly what: string; readonly value: number | undefined };
  /** Highest allowed ratio; without it the ratio is only stated. */
  readonly bar?: number;
  /** Lowest allowed ratio, for what is better when it is more. */
  readonly floor?: number;
}

/** What one bench has found. */
export interface Section {
  readonly title: string;
  /** What exactly is measured, in sentences. */
  readonly notes: readonly string[];
  readonly rows: readonly Row[];
}

const HEAD = ['what', 'measured', 'beside', 'which has', 'ratio', 'bar', 'holds'] as const;
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

/** The rows whose ratio is on the wrong side of their bar. */
export function missedBars(sections: readonly Section[]): Row[] {
  return sections.flatMap(({ rows }) => rows.filter((row) => isHeld(row) === false));
}

function sectionLines({ title, notes, rows }: Section): string[] {
  const table = tableLines([[...HEAD], ...rows.map(cells)]);
  return [`## ${title}`, '', ...notes.flatMap((note) => [note, '']), ...table, ''];
}

function cells(row: Row): string[] {
  const { what, unit = 'us', measured, beside, bar, floor } = row;
  const held = isHeld(row);
  const ratio = ratioOf(row);
  const figure = (value: number | undefined): string =>
    value === undefined ? NOT_AVAILABLE : figureText(value, unit);
  return [
    what,
    figure(measured),
    beside?.what ?? '',
    beside ? figure(beside.value) : '',
    ratio === undefined ? '' : ratio.toFixed(2),
    bar !== undefined ? `≤ ${bar}` : floor !== undefined ? `≥ ${floor}` : '',
    held === undefined ? '' : held ? 'yes' : '**no**',
  ];
}

function ratioOf({ measured, beside }: Row): number | undefined {
  if (measured === undefined || beside?.value === undefined) return undefined;
  return measured / beside.value;
}

function isHeld(row: Row): boolean | undefined {
  const { bar, floor } = row;
  const ratio = ratioOf(row);
  if (ratio === undefined || (bar ?? floor) === undefined) return undefined;
  return ratio <= (bar ?? Infinity) && ratio >= (floor ?? 0);
}

function figureText(value: number, unit: Unit): string {
  switch (unit) {
    case 'us':
      return durationText(value);
    case 'bytes':
      return bytesText(value);
    case 'bytes/s':
      return `${bytesText(value)}/s`;
  }
}

function bytesText(bytes: number): string {
  const kb = bytes / 2 ** 10;
  return kb < 1_000 ? `${kb.toPrecision(3)} kB` : `${(kb / 2 ** 10).toPrecision(3)} MB`;
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
