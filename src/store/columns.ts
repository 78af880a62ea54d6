import type { SqlValue } from 'sql.js';

/** A stored value that this release cannot understand. */
export class DamagedRowError extends Error {
  override name = 'DamagedRowError';

  constructor(what: string, column: string, value: unknown) {
    super(`${what} has an unknown ${column} in the database: ${JSON.stringify(value)}`);
  }
}

/** A text column that may be NULL. */
export function optionalText(value: SqlValue | undefined): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

/** A number column that may be NULL. */
export function optionalNumber(value: SqlValue | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

/**
 * A text column that holds one of some words.
 * @param what the row, for the message
 * @throws {DamagedRowError} when it holds something else
 */
export function oneOf<T extends string>(
  allowed: readonly T[],
  value: SqlValue | undefined,
  what: string,
  column: string,
): T {
  const found = allowed.find((it) => it === value);
  if (found === undefined) throw new DamagedRowError(what, column, value);
  return found;
}
