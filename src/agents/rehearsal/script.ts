import type { Command } from './command';
import {
  bare,
  file,
  fileText,
  lineFeeds,
  number,
  parseCount,
  parsePlan,
  parseRun,
  parseUsage,
  splitFirst,
  text,
} from './words';
import type { Word } from './words';

const WORDS: ReadonlyMap<string, Word> = new Map<string, Word>([
  ['say', text('say TEXT', 'says it', (value) => ({ kind: 'say', text: lineFeeds(value) }))],
  ['think', text('think TEXT', 'thinks it aloud', (value) => ({ kind: 'think', text: value }))],
  ['plan', { syntax: 'plan STEP | STEP | …', does: 'shows a plan', parse: parsePlan }],
  [
    'write',
    fileText(
      'write PATH TEXT',
      'writes a file; \\n in TEXT begins another line',
      (path, value) => ({
        kind: 'write',
        path,
        text: value,
      }),
    ),
  ],
  [
    'append',
    fileText('append PATH TEXT', 'adds to the end of a file', (path, value) => ({
      kind: 'append',
      path,
      text: value,
    })),
  ],
  ['read', file('read PATH', 'reads a file', (path) => ({ kind: 'read', path }))],
  ['delete', file('delete PATH', 'deletes a file', (path) => ({ kind: 'delete', path }))],
  [
    'run',
    {
      syntax: 'run PROGRAM ARGUMENT …',
      does: 'runs a program, without a shell; "…" or \'…\' keeps blanks',
      parse: parseRun,
    },
  ],
  [
    'commit',
    text('commit MESSAGE', 'commits all changes', (message) => ({ kind: 'commit', message })),
  ],
  ['ask', text('ask TITLE', 'asks for permission', (title) => ({ kind: 'ask', title }))],
  [
    'wait',
    number('wait SECONDS', 'waits; can be cancelled', 86_400, /^\d*\.?\d+$/, (seconds) => ({
      kind: 'wait',
      seconds,
    })),
  ],
  [
    'pace',
    number('pace MS', 'speaks slower: a pause after every few words', 10_000, /^\d+$/, (ms) => ({
      kind: 'pace',
      ms,
    })),
  ],
  [
    'fail',
    text('fail MESSAGE', 'ends the turn with an error', (message) => ({ kind: 'fail', message })),
  ],
  ['exit', number('exit CODE', 'ends the agent', 255, /^\d+$/, (code) => ({ kind: 'exit', code }))],
  ['crash', bare('crash', 'kills the agent', { kind: 'crash' })],
  [
    'flood',
    number('flood KILOBYTES', 'says very much', 1_000_000, /^\d+$/, (kilobytes) => ({
      kind: 'flood',
      kilobytes,
    })),
  ],
  [
    'count',
    { syntax: 'count LINES [MS]', does: 'says numbered lines, MS ms apart', parse: parseCount },
  ],
  ['usage', { syntax: 'usage TOKENS [USD]', does: 'reports usage and cost', parse: parseUsage }],
  ['recall', bare('recall', 'says what you said before', { kind: 'recall' })],
  ['remember', bare('remember', 'the same as recall', { kind: 'recall' })],
  ['refuse', bare('refuse', 'ends the turn with a refusal', { kind: 'refuse' })],
  [
    'stderr',
    text('stderr TEXT', 'writes to standard error', (value) => ({ kind: 'stderr', text: value })),
  ],
  ['help', bare('help', 'shows this list', { kind: 'help' })],
  [
    'ignore-sigterm',
    bare('ignore-sigterm', 'misbehaves: survives SIGTERM and the end of its input', {
      kind: 'ignore-sigterm',
    }),
  ],
  [
    'spawn-detached',
    bare('spawn-detached', 'misbehaves: leaves a process behind', { kind: 'spawn-detached' }),
  ],
]);

/** All commands with what they do, one a line, for a person. */
export const HELP: string = [...WORDS.values()]
  .map(({ syntax, does }) => `${syntax.padEnd(22)}  ${does}`)
  .join('\n');

/**
 * Reads a task as a script: one command a line, in order. A line's first word, in upper or lower
 * case, names the command. Blank lines are dropped; every other line yields exactly one command.
 */
export function parseScript(task: string): Command[] {
  return task
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(parseLine);
}

function parseLine(line: string): Command {
  const [name, rest = ''] = splitFirst(line);
  const word = WORDS.get(name.toLowerCase());
  const parsed = word?.parse(rest);
  if (word === undefined || parsed === undefined) return { kind: 'text', text: line };
  if (typeof parsed !== 'string') return parsed;
  return { kind: 'problem', line, why: `${parsed} Write it as: ${word.syntax}` };
}
