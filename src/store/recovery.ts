import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { Database, SqlJsStatic } from 'sql.js';
import { errorCode, toError } from '../base/errors';
import { StorageError } from '../domain/storageErrors';
import {
  decodeHeader,
  decodeRecord,
  findLaterRecord,
  HEADER_BYTES,
  journalGenerations,
  journalName,
  NEWEST_FILE,
  scanJournal,
  snapshotGenerations,
  type JournalScan,
  type RawRecord,
} from './journalFormat';
import { readSnapshot, type Snapshot } from './snapshot';
import { prepareDatabase, Statements } from './statements';

/** The state as it was read, and what it was read from. */
export interface Recovered {
  readonly db: Database;
  /** The last transaction that is in it. */
  readonly seq: number;
  /** Generations of the journals that were replayed, ascending. */
  readonly journals: readonly number[];
  /** Size of those journals. */
  readonly journalBytes: number;
  /** Size of the snapshot they were replayed on; 0 without one. */
  readonly snapshotBytes: number;
  /** The end of the last journal that was left out, because a write was cut off there. */
  readonly tornTail: TornTail | undefined;
  /** Snapshots that could not be used; an older one could. */
  readonly problems: readonly string[];
}

/** See {@link Recovered.tornTail}. */
export interface TornTail {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** How {@link recover} reads. */
export interface RecoverOptions {
  /** Only what comes before the journal of this generation; default: everything. */
  readonly before?: number;
  /**
   * Go as far as the files allow instead of refusing damaged ones. For repair only: what is left out
   * was acknowledged once.
   */
  readonly isLenient?: boolean;
}

interface JournalFile {
  readonly generation: number;
  readonly file: string;
  readonly bytes: Buffer;
  readonly startSeq: number;
}

/** Records that are replayed before others get a turn on the event loop. */
const RECORDS_PER_TURN = 500;

/**
 * Reads the state of a folder: the newest snapshot whose checksums are right, and the journals since.
 * Only the end of the very last journal may be incomplete. Never changes a file.
 * @throws {StorageError} naming the file that is damaged, cannot be read, or is of a newer release
 */
export async function recover(
  sql: SqlJsStatic,
  folder: string,
  { before = Infinity, isLenient = false }: RecoverOptions = {},
): Promise<Recovered> {
  // Before the names are: its owner may go on to another journal in between.
  const newest = await newestGeneration(folder);
  const names = await fs.readdir(folder);
  const problems: string[] = [];
  const base =
    (await newestSnapshot(folder, names, before, isLenient, problems)) ??
    (isLenient ? await readableSnapshot(sql, folder, names, before) : undefined);
  const generations = journalGenerations(names).filter(
    (generation) => generation < before && generation >= (base?.generation ?? 0),
  );
  const journals = await readJournals(folder, generations, isLenient, problems);
  if (!isLenient) {
    checkStart(folder, base, journals, generations, before);
    if (newest >= (base?.generation ?? 0)) checkEnd(folder, journals, newest, before);
  }
  const db = new sql.Database(base?.snapshot.image);
  try {
    prepareDatabase(db);
    const replay = new Replay(db, base?.snapshot.seq ?? 0, isLenient, problems);
    const chain = withoutLosers(journals);
    for (const [index, journal] of chain.entries()) {
      const isGoingOn = await replay.journal(journal, chain[index + 1]);
      if (!isGoingOn) break;
    }
    replay.dispose();
    return {
      db,
      seq: replay.seq,
      journals: journals.map((journal) => journal.generation),
      journalBytes: journals.reduce((sum, journal) => sum + journal.bytes.length, 0),
      snapshotBytes: base?.snapshot.image.length ?? 0,
      tornTail: replay.tornTail,
      problems,
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

interface Base {
  readonly generation: number;
  readonly snapshot: Snapshot;
}

async function newestSnapshot(
  folder: string,
  names: readonly string[],
  before: number,
  isLenient: boolean,
  problems: string[],
): Promise<Base | undefined> {
  const generations = snapshotGenerations(names).filter((generation) => generation <= before);
  let last: unknown;
  for (const generation of generations.reverse()) {
    try {
      return { generation, snapshot: await readSnapshot(folder, generation) };
    } catch (error) {
      // One that cannot be read may be perfectly good: going back behind it could lose something.
      if (!isLenient && !(error instanceof StorageError && error.reason === 'damaged')) throw error;
      problems.push(toError(error).message);
      last = error;
    }
  }
  if (last !== undefined && !isLenient) throw toError(last);
  return undefined;
}

/** The newest snapshot that has a wrong checksum, but that SQLite can still read from end to end. */
async function readableSnapshot(
  sql: SqlJsStatic,
  folder: string,
  names: readonly string[],
  before: number,
): Promise<Base | undefined> {
  const generations = snapshotGenerations(names).filter((generation) => generation <= before);
  for (const generation of generations.reverse()) {
    try {
      const snapshot = await readSnapshot(folder, generation, true);
      const db = new sql.Database(new Uint8Array(snapshot.image));
      try {
        const verdict = db.exec('PRAGMA integrity_check')[0]?.values[0]?.[0];
        if (verdict === 'ok') return { generation, snapshot };
      } finally {
        db.close();
      }
    } catch {
      // Why it cannot be read is among the problems already.
    }
  }
  return undefined;
}

async function readJournals(
  folder: string,
  generations: readonly number[],
  isLenient: boolean,
  problems: string[],
): Promise<JournalFile[]> {
  const journals: JournalFile[] = [];
  for (const generation of generations) {
    const file = path.join(folder, journalName(generation));
    let bytes: Buffer;
    try {
      bytes = await fs.readFile(file);
    } catch (error) {
      // The owner removes journals that a newer snapshot covers, while others read.
      const problem = new StorageError(
        errorCode(error) === 'ENOENT' ? 'damaged' : 'not-readable',
        file,
        error,
      );
      if (!isLenient) throw problem;
      problems.push(problem.message);
      continue;
    }
    const startSeq = decodeHeader(bytes, generation);
    if (startSeq === 'newer') throw new StorageError('newer-version', file);
    if (startSeq === undefined) {
      // A claim whose owner died, or lost it, before it wrote anything.
      if (findLaterRecord(bytes, HEADER_BYTES, 0) === undefined) continue;
      const problem = new StorageError('damaged', file, new Error('its beginning is damaged'));
      if (!isLenient) throw problem;
      problems.push(problem.message);
      continue;
    }
    journals.push({ generation, file, bytes, startSeq });
  }
  return journals;
}

/** The chain must begin at the snapshot, or at the very first journal. */
function checkStart(
  folder: string,
  base: Base | undefined,
  journals: readonly JournalFile[],
  generations: readonly number[],
  before: number,
): void {
  const [first] = journals;
  if (base) {
    if (base.generation < before && first?.generation !== base.generation) {
      const file = path.join(folder, journalName(base.generation));
      throw new StorageError('damaged', file, new Error('it is missing or empty'));
    }
  } else if (generations.length > 0 && generations[0] !== 1) {
    throw new StorageError('damaged', folder, new Error('its snapshots are missing'));
  }
  const seq = base?.snapshot.seq ?? 0;
  if (first && first.startSeq !== seq) {
    const what = `it goes on after change ${first.startSeq}, the snapshot ends at ${seq}`;
    throw new StorageError('damaged', first.file, new Error(what));
  }
}

/** The newest journal that was ever used must be there: it holds what was acknowledged last. */
function checkEnd(
  folder: string,
  journals: readonly JournalFile[],
  newest: number,
  before: number,
): void {
  // A later one is that of whoever asks, and is not part of what is read.
  if (newest === 0 || newest >= before) return;
  if (journals.some((journal) => journal.generation === newest)) return;
  throw new StorageError('damaged', path.join(folder, journalName(newest)), new Error(MISSING));
}

/**
 * For whoever has just claimed the store: nobody may have used a later journal, or this one, before.
 * @throws {StorageError} `damaged` when the journals that were used last are missing
 */
export async function checkClaim(folder: string, generation: number): Promise<void> {
  const newest = await newestGeneration(folder);
  if (newest < generation) return;
  throw new StorageError('damaged', path.join(folder, journalName(newest)), new Error(MISSING));
}

const MISSING = `${NEWEST_FILE} says that it was used; it is missing, or its beginning is`;

/** 0 when nothing is known: a file that is empty was being written when its owner died. */
async function newestGeneration(folder: string): Promise<number> {
  const text = await fs.readFile(path.join(folder, NEWEST_FILE), 'utf8').catch(() => '');
  return /^\d+\n$/.test(text) ? Number(text) : 0;
}

/**
 * Of several that take over at once, all but the last one write a header only, which may tell of
 * another last change than the winner has read: the owner before may have been in the middle of one.
 */
function withoutLosers(journals: readonly JournalFile[]): JournalFile[] {
  return journals.filter(
    ({ bytes }, index) => bytes.length > HEADER_BYTES || index === journals.length - 1,
  );
}

/** Applies journals to a database, one after the other. */
class Replay {
  tornTail: TornTail | undefined;
  private readonly statements: Statements;

  constructor(
    private readonly db: Database,
    public seq: number,
    private readonly isLenient: boolean,
    private readonly problems: string[],
  ) {
    this.statements = new Statements(db);
  }

  /** @returns false when nothing that follows can be applied (lenient only) */
  async journal(journal: JournalFile, next: JournalFile | undefined): Promise<boolean> {
    const scan = scanJournal(journal.bytes);
    // What an owner wrote after it had lost the store was never acknowledged.
    const lastSeq = next?.startSeq ?? Infinity;
    try {
      await this.apply(journal, scan, lastSeq);
      if (next && this.seq < lastSeq) {
        const end = `it ends with change ${this.seq}, the next journal goes on after ${lastSeq}`;
        throw this.damage(journal, scan.problem === undefined ? end : `${scan.problem}; ${end}`);
      }
      if (!next && scan.problem !== undefined) this.acceptTail(journal, scan);
      return true;
    } catch (error) {
      if (!this.isLenient) throw error;
      this.problems.push(toError(error).message);
      return false;
    }
  }

  dispose(): void {
    this.statements.dispose();
  }

  private async apply(journal: JournalFile, scan: JournalScan, lastSeq: number): Promise<void> {
    this.db.exec('BEGIN');
    let count = 0;
    try {
      for (const record of scan.records) {
        if (record.seq > lastSeq || (this.isLenient && record.seq <= this.seq)) continue;
        if (record.seq !== this.seq + 1) {
          throw this.damage(journal, `change ${record.seq} follows ${this.seq}`);
        }
        this.applyRecord(journal, record);
        this.seq = record.seq;
        if (++count % RECORDS_PER_TURN === 0) await new Promise((done) => setImmediate(done));
      }
    } catch (error) {
      if (error instanceof StorageError) throw error;
      throw this.damage(journal, `change ${this.seq + 1}: ${toError(error).message}`);
    } finally {
      // What was applied before a damaged place is right; only a repair goes on with it.
      this.db.exec('COMMIT');
    }
  }

  /** All of a transaction, or, when it throws, nothing of it. */
  private applyRecord(journal: JournalFile, record: RawRecord): void {
    const { ops, changed } = decodeRecord(record);
    if (this.isLenient) this.db.exec('SAVEPOINT record');
    try {
      for (const [index, [sql, params]] of ops.entries()) {
        if (this.statements.execute(sql, params) !== changed[index]) {
          throw this.damage(journal, `change ${record.seq} has another outcome than it had`);
        }
      }
    } catch (error) {
      if (this.isLenient) this.db.exec('ROLLBACK TO record');
      throw error;
    } finally {
      if (this.isLenient) this.db.exec('RELEASE record');
    }
  }

  private acceptTail(journal: JournalFile, scan: JournalScan): void {
    const later = findLaterRecord(journal.bytes, scan.end + 1, this.seq + 1);
    if (later !== undefined) {
      throw this.damage(
        journal,
        `${scan.problem ?? ''} at ${scan.end}, yet change ${later} is whole`,
      );
    }
    const bytes = journal.bytes.length - scan.end;
    this.tornTail = { file: journal.file, offset: scan.end, bytes };
  }

  private damage(journal: JournalFile, what: string): StorageError {
    return new StorageError('damaged', journal.file, new Error(what));
  }
}
