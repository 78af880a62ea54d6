import type { StopReason } from '../../domain/events';
import type { TurnResult } from '../agentConnection';
import { numberOf, objectOf, oneOf, type JsonObject } from './json';

const STOP_REASONS: readonly StopReason[] = [
  'end_turn',
  'max_tokens',
  'max_turn_requests',
  'refusal',
  'cancelled',
];

/** A turn that ended with an error. */
export function failedTurn(error: string): TurnResult {
  return { stopReason: 'error', error, tokens: undefined };
}

/** Reads the answer to `session/prompt`; the SDK does not check it. */
export function readTurnResult(response: unknown): TurnResult {
  const fields = objectOf(response);
  const stopReason = oneOf(fields['stopReason'], STOP_REASONS);
  if (stopReason === undefined) {
    return failedTurn(
      `The agent ended its turn with an unknown stop reason: ${String(fields['stopReason'])}.`,
    );
  }
  return { stopReason, error: undefined, tokens: readTokens(fields) };
}

/** Tokens of the turn: in ACP's draft `usage`, or where gemini-cli puts them. */
function readTokens(response: JsonObject): number | undefined {
  const usage = objectOf(response['usage']);
  const quota = objectOf(objectOf(objectOf(response['_meta'])['quota'])['token_count']);
  return (
    numberOf(usage['totalTokens']) ??
    sum(usage['inputTokens'], usage['outputTokens']) ??
    sum(quota['input_tokens'], quota['output_tokens'])
  );
}

function sum(input: unknown, output: unknown): number | undefined {
  const [a, b] = [numberOf(input), numberOf(output)];
  return a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);
}
