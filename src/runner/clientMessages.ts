import { STOP_INTENTS } from '../domain/events';
import type { RunnerCommand } from '../domain/runnerProtocol';

/** A line from a client, sorted. */
export type ClientMessage =
  | { readonly kind: 'hello'; readonly token: string; readonly version: unknown }
  | { readonly kind: 'command'; readonly command: RunnerCommand }
  /** Something with an id, so that it can be refused; perhaps from a later version. */
  | { readonly kind: 'unknown-command'; readonly id: string }
  | { readonly kind: 'garbage' };

type Fields = Readonly<Record<string, unknown>>;

/** Reads a line from a client; whatever does not fit the protocol is told apart. */
export function parseClientMessage(line: string): ClientMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { kind: 'garbage' };
  }
  if (!isFields(value)) return { kind: 'garbage' };
  const { hello, id } = value;
  if (isFields(hello) && typeof hello['token'] === 'string') {
    return { kind: 'hello', token: hello['token'], version: hello['version'] };
  }
  if (typeof id !== 'string' || id === '') return { kind: 'garbage' };
  return isCommand(value) ? { kind: 'command', command: value } : { kind: 'unknown-command', id };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isCommand(fields: Fields): fields is Fields & RunnerCommand {
  switch (fields['command']) {
    case 'subscribe':
      return Number.isSafeInteger(fields['fromSeq']) && Number(fields['fromSeq']) >= 1;
    case 'prompt':
      return typeof fields['text'] === 'string';
    case 'answer':
      return typeof fields['requestId'] === 'string' && typeof fields['optionId'] === 'string';
    case 'cancel':
      return true;
    case 'stop':
      return STOP_INTENTS.some((intent) => intent === fields['intent']);
    case 'applied':
      return Number.isSafeInteger(fields['seq']) && Number(fields['seq']) >= 0;
    default:
      return false;
  }
}
