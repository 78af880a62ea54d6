import { findResetTime } from './resetTime';

/** An agent's account is used up. */
export interface UsageLimit {
  /** When its provider takes some again, in milliseconds since 1970; undefined when it does not say. */
  readonly resetsAt: number | undefined;
  /** What the agent said of it, cut to what a person would read. */
  readonly text: string;
}

/** Most of what an agent said that is looked at, in UTF-16 units; a notice stands at the beginning. */
const MAX_LOOKED_AT = 16_000;
const MAX_TEXT_CHARS = 500;

/** Longest message that can be nothing but a notice, in UTF-16 units. */
const MAX_NOTICE_CHARS = 400;

/** A refusal that is over sooner is a rate limit: the agent itself waits and tries again. */
const SHORTEST_LIMIT_MS = 5 * 60 * 1000;

/** Words before "limit" that say which one; a rate limit passes in seconds. */
const HIT = String.raw`you've (?:hit|reached) your (?:(?!rate\b|context\b|token\b)[\w'-]+ ){0,4}limit\b`;
const REACHED = String.raw`(?:usage|5-hour|five-hour|session|daily|weekly|monthly|opus|sonnet) limit (?:has been )?reached\b`;
const OUT = String.raw`you're out of (?:extra )?usage\b`;

/** What providers say only when an account is used up. */
const CERTAIN = new RegExp(`\\b(?:${HIT}|${REACHED}|${OUT}|usage_limit_reached\\b)`, 'i');

/** What may as well be about the requests of one minute. */
const QUOTA =
  /\binsufficient_quota\b|\bexceeded your current quota\b|\bcredit balance is too low\b/i;
const RATE_LIMIT = /\b429\b|\brate[ _-]?limit|\btoo many requests\b/i;

/** A message that is nothing but the notice: what it is about, and what can be done. */
const NOTICE = new RegExp(
  String.raw`^(?:api error: [^\n]{0,60}? · )?(?:the |claude |claude ai |opus |sonnet )*(?:${HIT}|${REACHED}|${OUT})`,
  'i',
);
const WAY_OUT = /\|\d{10}|\bresets?\b|\btry again\b|\bcredits\b|\/upgrade\b/i;

/**
 * Recognises in the error of an agent that its account is used up. Rate limits, which pass in seconds,
 * are none. The wordings are those of Claude Code and Codex, and of their providers.
 * @param evidence a text, or JSON that came with it, such as the body of an HTTP response
 * @param now milliseconds since 1970; times without a date count from here
 * @param localZone IANA name of the zone of times that name none; default: the zone of this machine
 */
export function findUsageLimit(
  evidence: unknown,
  now: number,
  localZone = Intl.DateTimeFormat().resolvedOptions().timeZone,
): UsageLimit | undefined {
  const text = normalised(evidence);
  if (text === undefined) return undefined;
  const isCertain = CERTAIN.test(text);
  const isQuota = QUOTA.test(text);
  if (!isCertain && !isQuota && !RATE_LIMIT.test(text)) return undefined;
  const resetsAt = findResetTime(text, now, localZone);
  const isLong = resetsAt !== undefined && resetsAt - now >= SHORTEST_LIMIT_MS;
  if (!isCertain && !isLong && !(isQuota && resetsAt === undefined)) return undefined;
  return { resetsAt, text: text.trim().slice(0, MAX_TEXT_CHARS) };
}

/**
 * Recognises a message that is nothing but the notice that an account is used up: Claude Code says it
 * as if it were the answer. A message that merely speaks of limits is none.
 */
export function findLimitNotice(
  message: string,
  now: number,
  localZone?: string,
): UsageLimit | undefined {
  const text = normalised(message)?.trim() ?? '';
  if (text.length > MAX_NOTICE_CHARS || !NOTICE.test(text) || !WAY_OUT.test(text)) return undefined;
  return findUsageLimit(text, now, localZone);
}

/** The evidence as text with plain apostrophes. */
function normalised(evidence: unknown): string | undefined {
  const text = typeof evidence === 'string' ? evidence : JSON.stringify(evidence);
  // What is no JSON has no text either.
  if (typeof text !== 'string') return undefined;
  return text.slice(0, MAX_LOOKED_AT).replaceAll('’', "'");
}
