import { crc32 } from 'node:zlib';
import type { SqlValue } from 'sql.js';

/**
 * The journal on disk, `j-<generation>.log`: a header of 32 bytes (magic, version, generation u64,
 * seq before the first record u64, 4 bytes of zero, crc32 of the 28 before), then a record for each
 * transaction: magic u32, body length u32, seq u64, crc32 over those 16 bytes and the body, body. All
 * numbers are little-endian. The body is JSON: `{o: [[sql, params]…], c: [rows changed…]}`.
 */
export const HEADER_BYTES = 32;
const RECORD_HEADER_BYTES = 20;
const JOURNAL_MAGIC = 0x4c4a5044; // "DPJL"
const RECORD_MAGIC = 0x43525044; // "DPRC"
const FORMAT_VERSION = 1;

/** One statement of a transaction with its positional parameters. */
export type Op = readonly [sql: string, params: readonly SqlValue[]];

/** One transaction. */
export interface Transaction {
  readonly ops: readonly Op[];
  /** Rows that each op changed; -1 for a statement that changes no rows (a schema change). */
  readonly changed: readonly number[];
}

/** A record whose checksum is right; its body is not parsed yet. */
export interface RawRecord {
  readonly seq: number;
  readonly body: Buffer;
}

/** What was found in a journal. */
export interface JournalScan {
  readonly records: readonly RawRecord[];
  /** Where the good part ends. */
  readonly end: number;
  /** Why the scan ended before the end of the file; undefined when it did not. */
  readonly problem: string | undefined;
}

/** The name of the journal of a generation. */
export function journalName(generation: number): string {
  return `j-${hex(generation)}.log`;
}

/** Holds the generation of the newest journal that has been used, in decimal. */
export const NEWEST_FILE = 'newest-journal';

/** The name of the snapshot that a generation's journal begins at. */
export function snapshotName(generation: number): string {
  return `snap-${hex(generation)}.db`;
}

/** The generations of the journals among file names, ascending. */
export function journalGenerations(names: readonly string[]): number[] {
  return generations(names, /^j-([0-9a-f]{12})\.log$/);
}

/** The generations of the snapshots among file names, ascending. */
export function snapshotGenerations(names: readonly string[]): number[] {
  return generations(names, /^snap-([0-9a-f]{12})\.db$/);
}

/** The first bytes of a journal. */
export function encodeHeader(generation: number, startSeq: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32LE(JOURNAL_MAGIC, 0);
  bytes.writeUInt32LE(FORMAT_VERSION, 4);
  bytes.writeBigUInt64LE(BigInt(generation), 8);
  bytes.writeBigUInt64LE(BigInt(startSeq), 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  return bytes;
}

/**
 * Reads the header of a journal.
 * @returns the seq before its first record; `newer` for one of a newer release; undefined when there
 *   is no valid header
 */
export function decodeHeader(bytes: Buffer, generation: number): number | 'newer' | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== JOURNAL_MAGIC) return undefined;
  if (crc32(bytes.subarray(0, 28)) !== bytes.readUInt32LE(28)) return undefined;
  if (bytes.readUInt32LE(4) > FORMAT_VERSION) return 'newer';
  if (Number(bytes.readBigUInt64LE(8)) !== generation) return undefined;
  return Number(bytes.readBigUInt64LE(16));
}

/**
 * The bytes of a record.
 * @throws {TypeError} for a parameter that JSON cannot hold
 */
export function encodeRecord(seq: number, { ops, changed }: Transaction): Buffer {
  const body = `{"o":[${ops.map(encodeOp).join(',')}],"c":${JSON.stringify(changed)}}`;
  const bodyBytes = Buffer.byteLength(body);
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + bodyBytes);
  bytes.writeUInt32LE(RECORD_MAGIC, 0);
  bytes.writeUInt32LE(bodyBytes, 4);
  bytes.writeBigUInt64LE(BigInt(seq), 8);
  bytes.write(body, RECORD_HEADER_BYTES);
  bytes.writeUInt32LE(checksum(bytes, 0, bytes.length), 16);
  return bytes;
}

/** The transaction of a record. */
export function decodeRecord(record: RawRecord): Transaction {
  const { o, c } = JSON.parse(record.body.toString('utf8')) as {
    o: [string, StoredValue[]][];
    c: number[];
  };
  return { ops: o.map(([sql, params]) => [sql, params.map(decodeValue)]), changed: c };
}

/** Finds the records of a journal, up to the first that is not whole. */
export function scanJournal(bytes: Buffer, from = HEADER_BYTES): JournalScan {
  const records: RawRecord[] = [];
  for (let at = from; ;) {
    if (at === bytes.length) return { records, end: at, problem: undefined };
    const problem = problemAt(bytes, at);
    if (problem !== undefined) return { records, end: at, problem };
    const end = at + RECORD_HEADER_BYTES + bytes.readUInt32LE(at + 4);
    records.push({
      seq: Number(bytes.readBigUInt64LE(at + 8)),
      body: bytes.subarray(at + RECORD_HEADER_BYTES, end),
    });
    at = end;
  }
}

/**
 * Looks for a whole record behind a place that is not one: it proves that the place was damaged, and
 * is not just the end of a write that was cut off.
 * @param minSeq records before it do not count: they may be text inside another record
 */
export function findLaterRecord(bytes: Buffer, from: number, minSeq: number): number | undefined {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(RECORD_MAGIC);
  for (let at = bytes.indexOf(magic, from); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    if (problemAt(bytes, at) !== undefined) continue;
    const seq = Number(bytes.readBigUInt64LE(at + 8));
    if (seq >= minSeq) return seq;
  }
  return undefined;
}

function problemAt(bytes: Buffer, at: number): string | undefined {
  if (bytes.length - at < RECORD_HEADER_BYTES) return 'a record was cut off';
  if (bytes.readUInt32LE(at) !== RECORD_MAGIC) return 'no record where one should begin';
  const end = at + RECORD_HEADER_BYTES + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return 'a record was cut off';
  if (checksum(bytes, at, end) !== bytes.readUInt32LE(at + 16)) return 'a wrong checksum';
  return undefined;
}

function checksum(bytes: Buffer, start: number, end: number): number {
  const head = crc32(bytes.subarray(start, start + 16));
  return crc32(bytes.subarray(start + RECORD_HEADER_BYTES, end), head);
}

type StoredValue = number | string | null | { readonly b: string };

/** SQL texts as JSON: there are few of them, each is written again and again, and some are long. */
const QUOTED = new Map<string, string>();

function encodeOp([sql, params]: Op): string {
  let quoted = QUOTED.get(sql);
  if (quoted === undefined) QUOTED.set(sql, (quoted = JSON.stringify(sql)));
  const values = params.every(isJson) ? params : params.map(encodeValue);
  return `[${quoted},${JSON.stringify(values)}]`;
}

function isJson(value: SqlValue): boolean {
  return typeof value === 'string' || value === null || Number.isFinite(value);
}

function encodeValue(value: SqlValue): StoredValue {
  if (value instanceof Uint8Array) return { b: Buffer.from(value).toString('base64') };
  if (value === null || typeof value === 'string') return value;
  if (Number.isFinite(value)) return value;
  throw new TypeError(`${String(value)} cannot be stored.`);
}

function decodeValue(value: StoredValue): SqlValue {
  if (value === null || typeof value !== 'object') return value;
  return new Uint8Array(Buffer.from(value.b, 'base64'));
}

function generations(names: readonly string[], pattern: RegExp): number[] {
  return names
    .flatMap((name) => {
      const digits = pattern.exec(name)?.[1];
      return digits === undefined ? [] : [parseInt(digits, 16)];
    })
    .sort((a, b) => a - b);
}

function hex(generation: number): string {
  return generation.toString(16).padStart(12, '0');
}
