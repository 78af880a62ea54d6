import { UserError } from '../base/errors';

/** What a message between sessions is about. */
export const MESSAGE_TYPES = [
  'task_handoff',
  'query',
  'response',
  'completed',
  'conflict',
] as const;

export type MessageType = (typeof MESSAGE_TYPES)[number];

/** How urgent a handoff is, from the least to the most. */
export const PRIORITIES = ['low', 'normal', 'high', 'critical'] as const;

export type Priority = (typeof PRIORITIES)[number];

/**
 * The sender of what a person asks for. It is no session: it has no inbox, and what it sends does not
 * change who hangs under whom.
 */
export const PERSON = 'person';

/** What a handoff asks for. */
export interface HandoffTask {
  readonly task: string;
  /** What the receiver should know beside the task; may be empty. */
  readonly context: string;
  readonly priority: Priority;
  /** The agent type that is to do it; undefined: the lead's. */
  readonly agentType: string | undefined;
}

/** What a message says. */
export type MessageBody =
  | ({ readonly type: 'task_handoff' } & HandoffTask)
  | { readonly type: 'query'; readonly question: string }
  | { readonly type: 'response'; readonly answer: string }
  | {
      readonly type: 'completed';
      readonly summary: string;
      /** Paths of files that changed. */
      readonly filesChanged: readonly string[];
    }
  | { readonly type: 'conflict'; readonly file: string; readonly description: string };

/** A message as it is stored. */
export interface Message {
  /** Running number; a higher one is later. */
  readonly id: number;
  /** Free text: a sender need not be a session. */
  readonly from: string;
  readonly to: string;
  /** Undefined when the stored type or content cannot be understood; `content` says more. */
  readonly body: MessageBody | undefined;
  /** As stored: JSON, or any text. */
  readonly content: string;
  readonly isRead: boolean;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** A message that cannot be sent as it is. */
export class InvalidMessageError extends UserError {
  override name = 'InvalidMessageError';
}

/** The stored form of a message: JSON, tagged with what it is. */
export function encodeMessage(body: MessageBody): string {
  switch (body.type) {
    case 'task_handoff': {
      const { task, context, priority, agentType } = body;
      // JSON leaves out what is undefined.
      return JSON.stringify({ TaskHandoff: { task, context, priority, agentType } });
    }
    case 'query':
      return JSON.stringify({ Query: { question: body.question } });
    case 'response':
      return JSON.stringify({ Response: { answer: body.answer } });
    case 'completed': {
      const { summary, filesChanged } = body;
      return JSON.stringify({ Completed: { summary, filesChanged } });
    }
    case 'conflict': {
      const { file, description } = body;
      return JSON.stringify({ Conflict: { file, description } });
    }
  }
}

/**
 * Reads a stored message. Never throws.
 * @param type as stored
 * @param content as stored; that of a handoff may also be older JSON without a tag, or plain text
 * @returns undefined when the type is unknown, or the content has not the shape that belongs to it
 */
export function parseMessage(type: string, content: string): MessageBody | undefined {
  const known = MESSAGE_TYPES.find((it) => it === type);
  switch (known) {
    case 'task_handoff':
      return { type: known, ...taskOf(content) };
    case 'query': {
      const question = textOf(tagged(content, 'Query')?.['question']);
      return question === undefined ? undefined : { type: known, question };
    }
    case 'response': {
      const answer = textOf(tagged(content, 'Response')?.['answer']);
      return answer === undefined ? undefined : { type: known, answer };
    }
    case 'completed': {
      const fields = tagged(content, 'Completed');
      const summary = textOf(fields?.['summary']);
      const filesChanged = textsOf(fields?.['filesChanged'] ?? fields?.['files_changed'] ?? []);
      if (summary === undefined || filesChanged === undefined) return undefined;
      return { type: known, summary, filesChanged };
    }
    case 'conflict': {
      const fields = tagged(content, 'Conflict');
      const file = textOf(fields?.['file']);
      const description = textOf(fields?.['description']);
      if (file === undefined || description === undefined) return undefined;
      return { type: known, file, description };
    }
    case undefined:
      return undefined;
  }
}

/**
 * What a stored handoff asks for: the tagged task, else the task of older JSON without a tag, else the
 * whole content. Never throws; an unknown priority counts as normal.
 */
export function taskOf(content: string): HandoffTask {
  return (
    readTask(tagged(content, 'TaskHandoff')) ??
    readTask(objectOf(parseJson(content))) ?? {
      task: content,
      context: '',
      priority: 'normal',
      agentType: undefined,
    }
  );
}

/** Room that is left to what a preview shows beside the text, in characters. */
const ROOM_BESIDE = 8;

/**
 * A message in one line, for a list.
 * @param body undefined for one that cannot be understood; the line then shows its content
 * @param content as stored
 * @param maxLength longest text in it, in characters as a person counts them; where the line shows
 *   more than the text, the text gets 8 fewer, or 16 beside a file. Default: 56
 */
export function previewOf(body: MessageBody | undefined, content: string, maxLength = 56): string {
  const cut = (text: string, room = 0): string => shorten(oneLine(text), maxLength - room);
  switch (body?.type) {
    case 'task_handoff':
      return body.priority === 'normal'
        ? `handoff ${cut(body.task)}`.trimEnd()
        : `handoff [${body.priority}] ${cut(body.task, ROOM_BESIDE)}`.trimEnd();
    case 'query':
      return `query ${cut(body.question)}`.trimEnd();
    case 'response':
      return `response ${cut(body.answer)}`.trimEnd();
    case 'completed': {
      const count = body.filesChanged.length;
      if (count === 0) return `completed ${cut(body.summary)}`.trimEnd();
      return `completed ${cut(body.summary, ROOM_BESIDE)} | ${count} ${count === 1 ? 'file' : 'files'}`;
    }
    case 'conflict':
      return `conflict ${shortenPath(oneLine(body.file), maxLength)} | ${cut(body.description, 2 * ROOM_BESIDE)}`;
    case undefined:
      return `damaged message ${cut(content)}`.trimEnd();
  }
}

/**
 * Makes sure that a message can be sent: also one whose fields come from outside, where types do not
 * hold.
 * @throws {InvalidMessageError} naming what is missing or unknown
 */
export function checkMessage(body: MessageBody): void {
  if (!isOneOf(MESSAGE_TYPES, body.type)) {
    throw new InvalidMessageError(
      `Unknown message type: ${body.type}. Use one of ${MESSAGE_TYPES.join(', ')}.`,
    );
  }
  switch (body.type) {
    case 'task_handoff':
      requireText(body.task, 'The handoff has no task. Say what is to be done.');
      if (!isOneOf(PRIORITIES, body.priority)) {
        throw new InvalidMessageError(
          `Unknown priority: ${body.priority}. Use one of ${PRIORITIES.join(', ')}.`,
        );
      }
      return;
    case 'query':
      requireText(body.question, 'The query has no question. Say what you want to know.');
      return;
    case 'response':
      requireText(body.answer, 'The response has no answer. Say what the answer is.');
      return;
    case 'completed':
      requireText(body.summary, 'The report has no summary. Say in a sentence what was done.');
      return;
    case 'conflict':
      requireText(body.file, 'The conflict names no file. Give the path of the file it is about.');
      return;
  }
}

/**
 * A text cut to a number of characters as a person counts them, with `…` as the last one when
 * something was left out.
 */
export function shorten(text: string, maxLength: number): string {
  const limit = Math.max(1, maxLength);
  if (text.length <= limit) return text;
  let cut = 0;
  let count = 0;
  // Reads no further than needed: a task can be as long as a book.
  for (const { index } of new Intl.Segmenter().segment(text)) {
    if (count === limit - 1) cut = index;
    if (count === limit) return `${text.slice(0, cut)}…`;
    count += 1;
  }
  return text;
}

/** A path cut at its beginning: its end says most. */
function shortenPath(path: string, maxLength: number): string {
  if (shorten(path, maxLength) === path) return path;
  const characters = Array.from(new Intl.Segmenter().segment(path), ({ segment }) => segment);
  return `…${characters.slice(characters.length - Math.max(1, maxLength) + 1).join('')}`;
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

function requireText(value: unknown, message: string): void {
  if (typeof value !== 'string' || value.trim() === '') throw new InvalidMessageError(message);
}

function isOneOf(known: readonly string[], value: string): boolean {
  return known.includes(value);
}

type JsonObject = Readonly<Record<string, unknown>>;

function readTask(fields: JsonObject | undefined): HandoffTask | undefined {
  const task = textOf(fields?.['task']);
  if (task === undefined) return undefined;
  return {
    task,
    context: textOf(fields?.['context']) ?? '',
    priority: PRIORITIES.find((it) => it === fields?.['priority']) ?? 'normal',
    agentType: textOf(fields?.['agentType']),
  };
}

/** The fields under a tag; undefined when the content is not JSON of that tag. */
function tagged(content: string, tag: string): JsonObject | undefined {
  return objectOf(objectOf(parseJson(content))?.[tag]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Plain text is allowed where a message is stored; whoever asks sees that there is nothing.
    return undefined;
  }
}

function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? value
    : undefined;
}
