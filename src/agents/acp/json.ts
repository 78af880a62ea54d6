/** A JSON object whose content nobody has checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for anything with members; arrays are not objects here. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one when it is none. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The objects of an array; nothing when it is none. */
export function objectsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The value when it is a text with something in it, else undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The value when it is a number that can be counted with, else undefined. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The value when it is one of `choices`, else undefined. */
export function oneOf<T extends string>(value: unknown, choices: readonly T[]): T | undefined {
  return choices.find((choice) => choice === value);
}

/** At most `maxChars` of `text`, but no half surrogate pair at the end: UTF-8 has no place for it. */
export function sliceWhole(text: string, start: number, maxChars: number): string {
  const end = start + maxChars;
  const isPairCut = end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1));
  return text.slice(start, isPairCut ? end - 1 : end);
}

/** `text` cut to `maxChars`, with a note of how much is missing. */
export function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const kept = sliceWhole(text, 0, maxChars);
  return `${kept}\n… (${text.length - kept.length} more characters)`;
}
