import type { SessionEvent } from '../domain/events';
import { isRunnerVersion, type RunnerMessage } from '../domain/runnerProtocol';
import { upgradeEvent } from '../domain/upgradeEvent';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a line from a runner. The socket's address alone does not tell who speaks there, so what does
 * not fit the protocol is no message; the details of an event are the runner's own.
 * @returns undefined for anything else than a message
 */
export function parseRunnerMessage(line: string): RunnerMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isFields(value)) return undefined;
  if (isEvent(value['event'])) return { event: upgradeEvent(value['event']) };
  return isReply(value) || isWelcome(value) ? value : undefined;
}

function isEvent(value: unknown): value is SessionEvent {
  return (
    isFields(value) &&
    isSeq(value['seq']) &&
    value['seq'] >= 1 &&
    typeof value['at'] === 'number' &&
    typeof value['type'] === 'string'
  );
}

function isReply(
  fields: Fields,
): fields is Extract<RunnerMessage, { readonly reply: string }> & Fields {
  if (typeof fields['reply'] !== 'string') return false;
  return fields['ok'] === true || (fields['ok'] === false && typeof fields['error'] === 'string');
}

function isWelcome(
  fields: Fields,
): fields is Extract<RunnerMessage, { readonly welcome: object }> & Fields {
  const { welcome } = fields;
  return (
    isFields(welcome) &&
    typeof welcome['sessionId'] === 'string' &&
    isRunnerVersion(welcome['version']) &&
    isSeq(welcome['seq'])
  );
}

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
