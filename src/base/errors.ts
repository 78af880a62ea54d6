/**
 * An expected failure whose message is written for the person who reads it: it names what is wrong
 * and what to do. Anything else that is thrown counts as a defect and is logged with its stack.
 */
export class UserError extends Error {
  override name = 'UserError';
}

/** The message of anything that was thrown, for logs and for the reason of a failure. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What was thrown, as an `Error`; sql.js, for one, throws plain strings. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The `code` of a Node system error (`ENOENT`, `EACCES`, …), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}
