const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A time of day that passed this recently is that of today: the notice was late, not early. */
const LATE_MS = 10 * MINUTE_MS;

const UNITS: readonly (readonly [pattern: string, ms: number])[] = [
  ['d(?:ays?)?', DAY_MS],
  ['h(?:ours?|rs?)?', HOUR_MS],
  ['m(?:in(?:ute)?s?)?', MINUTE_MS],
  ['s(?:ec(?:ond)?s?)?', SECOND_MS],
];

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const AMOUNT = String.raw`\d+(?:\.\d+)?\s*(?:days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|[dhms])\b`;
const DURATION = new RegExp(
  String.raw`\b(?:again|resets?|retry|wait|available)\b[^.\n\d]{0,20}?\bin\s+(${AMOUNT}(?:[\s,]*(?:and\s+)?${AMOUNT})*)`,
  'i',
);

const AT = String.raw`\b(?:again|resets?|available)\b(?:\s+(?:at|on))?\s+`;
const MONTH = String.raw`(?<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?`;
const DATE = String.raw`${MONTH}\s+(?<day>\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(?<year>\d{4}))?,?\s+(?:at\s+)?`;
const CLOCK = String.raw`(?<hour>\d{1,2})(?::(?<minute>\d{2}))?(?::\d{2})?\s*(?<half>[ap]\.?m\b\.?)?`;
const ZONE = String.raw`(?:\s*\(?(?<zone>UTC|GMT|[A-Za-z_]+(?:/[A-Za-z0-9_+-]+){1,2})\)?)?`;
const WALL_TIME = new RegExp(`${AT}(?:${DATE})?${CLOCK}(?<tomorrow>\\s+tomorrow)?${ZONE}`, 'i');

const ISO_TIME = new RegExp(
  String.raw`${AT}(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)`,
  'i',
);

const JSON_EPOCH = /"?resets?_?at"?\s*[:=]\s*"?(\d{10,13})(?:\.\d+)?\b/i;
const JSON_ISO = /"?resets?_?at"?\s*[:=]\s*"?(\d{4}-\d{2}-\d{2}T[0-9:.]+(?:Z|[+-]\d{2}:?\d{2}))/i;
const JSON_SECONDS =
  /"?(?:resets?_in_seconds|resets?InSeconds|retry[-_]?after(?:_seconds)?)"?\s*[:=]\s*"?(\d+(?:\.\d+)?)\b/i;
const BAR_EPOCH = /\breached\|(\d{10,13})\b/i;

/**
 * When a text or a JSON text of an agent says that something is possible again.
 * @param now milliseconds since 1970; what is relative, or has no date, counts from here
 * @param localZone IANA name of the zone that counts where none is named
 * @returns milliseconds since 1970; undefined when it does not say, or nothing that can be read
 */
export function findResetTime(text: string, now: number, localZone: string): number | undefined {
  const epoch = BAR_EPOCH.exec(text)?.[1] ?? JSON_EPOCH.exec(text)?.[1];
  if (epoch !== undefined) return epochMs(Number(epoch));
  const iso = JSON_ISO.exec(text)?.[1] ?? ISO_TIME.exec(text)?.[1];
  if (iso !== undefined) return finite(Date.parse(iso.replace(' ', 'T')));
  const seconds = JSON_SECONDS.exec(text)?.[1];
  if (seconds !== undefined) return now + Number(seconds) * SECOND_MS;
  const duration = DURATION.exec(text)?.[1];
  if (duration !== undefined) return now + durationMs(duration);
  const wall = WALL_TIME.exec(text)?.groups;
  return wall && wallTime(wall, now, localZone);
}

/** Seconds and milliseconds since 1970 tell themselves apart for some thousand years. */
export function epochMs(value: number): number {
  return value < 1e11 ? value * SECOND_MS : value;
}

function durationMs(text: string): number {
  let ms = 0;
  for (const [pattern, unitMs] of UNITS) {
    const amount = new RegExp(String.raw`(\d+(?:\.\d+)?)\s*${pattern}\b`, 'i').exec(text)?.[1];
    ms += Number(amount ?? 0) * unitMs;
  }
  return ms;
}

type Groups = Readonly<Record<string, string | undefined>>;

function wallTime(groups: Groups, now: number, localZone: string): number | undefined {
  const half = groups['half']?.charAt(0).toLowerCase();
  // A bare number is no time of day.
  if (half === undefined && groups['minute'] === undefined) return undefined;
  const said = Number(groups['hour']);
  const hour = half === undefined ? said : (said % 12) + (half === 'p' ? 12 : 0);
  const minute = Number(groups['minute'] ?? 0);
  if (hour > 23 || minute > 59) return undefined;
  const zone = zoneOf(groups['zone']) ?? localZone;
  const today = dateIn(zone, now);
  const month = MONTHS.indexOf(groups['month']?.toLowerCase() ?? '');
  const at = (year: number, monthIndex: number, day: number): number =>
    zonedTime(Date.UTC(year, monthIndex, day, hour, minute), zone);
  if (month >= 0) {
    const day = Number(groups['day']);
    if (groups['year'] !== undefined) return at(Number(groups['year']), month, day);
    const thisYear = at(today.year, month, day);
    return thisYear < now - DAY_MS ? at(today.year + 1, month, day) : thisYear;
  }
  const first = at(today.year, today.month, today.day);
  const isPast = first < now - LATE_MS;
  return isPast || groups['tomorrow'] !== undefined
    ? at(today.year, today.month, today.day + 1)
    : first;
}

/** The zone when it is one that is known here. */
function zoneOf(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return name;
  } catch {
    return undefined;
  }
}

/** The date in a zone; months count from 0. */
function dateIn(zone: string, at: number): { year: number; month: number; day: number } {
  const local = new Date(at + offsetMs(zone, at));
  return { year: local.getUTCFullYear(), month: local.getUTCMonth(), day: local.getUTCDate() };
}

/** The instant at which clocks in a zone show what UTC clocks show at `wallMs`. */
function zonedTime(wallMs: number, zone: string): number {
  const guess = wallMs - offsetMs(zone, wallMs);
  // Between the two, the zone's clocks may have been changed.
  return wallMs - offsetMs(zone, guess);
}

/** How far a zone's clocks are ahead of UTC. */
function offsetMs(zone: string, at: number): number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const shown = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return shown - Math.floor(at / SECOND_MS) * SECOND_MS;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
