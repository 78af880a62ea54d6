import type { Command } from './command';

/**
 * What a word's parser makes of the rest of its line: a command, the reason why it is none, or
 * undefined when the line only looks like a command.
 */
export type Parsed = Command | string | undefined;

/** One command of the language. */
export interface Word {
  /** How it is written, as `help` shows it. */
  readonly syntax: string;
  /** What it does, in a few words for `help`. */
  readonly does: string;
  /** @param rest what follows the word on its line, without blanks around it */
  parse(rest: string): Parsed;
}

/** A word that takes the rest of its line as it is. */
export function text(syntax: string, does: string, make: (text: string) => Command): Word {
  return {
    syntax,
    does,
    parse: (rest) => (rest === '' ? 'There is nothing after the command.' : make(rest)),
  };
}

/** A word that stands alone; with more on its line, as in "Help me", that is a sentence. */
export function bare(syntax: string, does: string, command: Command): Word {
  return { syntax, does, parse: (rest) => (rest === '' ? command : undefined) };
}

/** A word that takes one number of `pattern`, at most `max`. */
export function number(
  syntax: string,
  does: string,
  max: number,
  pattern: RegExp,
  make: (value: number) => Command,
): Word {
  return { syntax, does, parse: (rest) => numberUpTo(max, pattern, rest, make) };
}

function numberUpTo(
  max: number,
  pattern: RegExp,
  given: string,
  make: (value: number) => Parsed,
): Parsed {
  if (!pattern.test(given)) return `"${given}" is not a number that it takes.`;
  return Number(given) > max ? `${given} is too much: ${max} is the most.` : make(Number(given));
}

/** A word that takes a path. */
export function file(syntax: string, does: string, make: (path: string) => Command): Word {
  return {
    syntax,
    does,
    parse: (rest) =>
      withPath(rest, (path, more) =>
        more === '' ? make(path) : `It takes one path; put quotes around a path with blanks.`,
      ),
  };
}

/** A word that takes a path and, after it, any text. */
export function fileText(
  syntax: string,
  does: string,
  make: (path: string, text: string) => Command,
): Word {
  return {
    syntax,
    does,
    parse: (rest) => withPath(rest, (path, value) => make(path, lineFeeds(value))),
  };
}

/**
 * "Write a test" and "read the report" are what people say, so a path counts as one only when it
 * holds a dot or a slash, or stands in quotes.
 */
function withPath(rest: string, make: (path: string, more: string) => Parsed): Parsed {
  if (rest === '') return 'There is no path.';
  const quoted = /^(["'])(.+?)\1(?:\s+(.*))?$/s.exec(rest);
  if (quoted) return make(quoted[2] ?? '', quoted[3] ?? '');
  const [path, more = ''] = splitFirst(rest);
  return /[./\\]/.test(path)
    ? make(path, more)
    : `A path needs a dot or a slash, such as ./${path}.`;
}

/** Parses the steps of a plan. */
export function parsePlan(rest: string): Parsed {
  const steps = rest
    .split('|')
    .map((step) => step.trim())
    .filter((step) => step !== '');
  return steps.length === 0 ? 'There is no step.' : { kind: 'plan', steps };
}

/** Parses a command line. */
export function parseRun(rest: string): Parsed {
  const words = splitWords(rest);
  if (words === undefined) return 'A quote is not closed.';
  const [program, ...args] = words;
  return program === undefined || program === ''
    ? 'There is no program.'
    : { kind: 'run', program, args };
}

/** Parses lines and the time between two. */
export function parseCount(rest: string): Parsed {
  const [given, pause = '0'] = splitFirst(rest);
  return numberUpTo(1_000_000, /^\d+$/, given, (lines) =>
    numberUpTo(10_000, /^\d+$/, pause, (ms) => ({ kind: 'count', lines, ms })),
  );
}

/** Parses tokens and cost. */
export function parseUsage(rest: string): Parsed {
  const [given, cost] = splitFirst(rest);
  return numberUpTo(1_000_000_000, /^\d+$/, given, (tokens) =>
    cost === undefined
      ? { kind: 'usage', tokens, usd: undefined }
      : numberUpTo(1_000_000, /^\d*\.?\d+$/, cost, (usd) => ({ kind: 'usage', tokens, usd })),
  );
}

/** The first word of a line and, when there is more, the rest of it. */
export function splitFirst(line: string): [first: string, rest: string | undefined] {
  const match = /^(\S+)(?:\s+(.*))?$/s.exec(line);
  return [match?.[1] ?? '', match?.[2]];
}

/**
 * Cuts a command line into words at blanks. Single and double quotes keep blanks together; a
 * backslash is an ordinary character, as in the paths of Windows.
 * @returns undefined when a quote is not closed
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const char of line) {
    if (char === quote) {
      quote = undefined;
    } else if (quote === undefined && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

/** Puts line feeds where the text says `\n`. */
export function lineFeeds(value: string): string {
  return value.replaceAll('\\n', '\n');
}
