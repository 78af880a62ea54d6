import initSqlJs, { type Database } from 'sql.js';
import { ensurePrivateFolder } from '../base/files';
import { messageOf, toError } from '../base/errors';
import { Emitter } from '../base/event';
import type { Logger } from '../base/log';
import { StorageError } from '../domain/storageErrors';
import type { StateStore } from '../session/ports';
import { removeCovered, runInBackground, type CheckpointPrograms } from './checkpointer';
import { Journal } from './journal';
import { migrate, SCHEMA_VERSION, schemaVersion } from './migrations';
import { checkClaim, recover, type Recovered, type TornTail } from './recovery';
import { Statements } from './statements';
import { Tables } from './tables';

/** What {@link DurableStore.open} needs. */
export interface DurableStoreOptions {
  /** Holds the journals and snapshots, and may hold other things. */
  readonly folder: string;
  readonly programs: CheckpointPrograms;
  readonly log: Logger;
  /** A snapshot is made when the journal since the last one exceeds this, or 1/8 of it; default 2 MB. */
  readonly checkpointBytes?: number;
  /** False only to show what goes wrong without the fence; default true. */
  readonly isFencing?: boolean;
}

const CHECKPOINT_BYTES = 2 * 1024 * 1024;
/** A journal longer than so many times the threshold is made a snapshot at once, when it is opened. */
const OPEN_CHECKPOINT_FACTOR = 4;

/**
 * The state in sql.js, durable: the database lives in memory; every transaction is appended to a
 * journal before it counts; a process of its own makes snapshots. See CONTRIBUTING.md, "State".
 */
export class DurableStore extends Tables implements StateStore {
  private readonly changed = new Emitter<readonly string[]>();
  readonly onDidChange = this.changed.event;
  private readonly lost = new Emitter<StorageError>();
  /** Fires once when somebody else has taken over; nothing can be written from then on. */
  readonly onDidLoseOwnership = this.lost.event;

  private readonly writeFailed = new Emitter<StorageError>();
  /** Fires when a write could not be stored, once until one could be stored again. */
  readonly onDidFailToWrite = this.writeFailed.event;

  private readonly touched = new Set<string>();
  private isInTransaction = false;
  private hasLost = false;
  private isFailing = false;
  private closed: Promise<void> | undefined;
  private checkpoint: Promise<void> | undefined;
  /** Journal bytes since the last snapshot that lie in files before the current one. */
  private sealedBytes: number;
  private snapshotBytes: number;
  /** Grows when a checkpoint fails, so that a full disk is not tried again with every write. */
  private backOff = 1;

  private constructor(
    private readonly db: Database,
    private readonly statements: Statements,
    private readonly journal: Journal,
    private readonly options: DurableStoreOptions,
    recovered: Recovered,
  ) {
    super(statements, (id) => this.touch(id));
    this.sealedBytes = recovered.journalBytes;
    this.snapshotBytes = recovered.snapshotBytes;
    this.tornTail = recovered.tornTail;
  }

  /** What was left out at opening, because a write had been cut off there. */
  readonly tornTail: TornTail | undefined;

  /**
   * Takes the store over from whoever has it, and reads it.
   * @throws {StorageError} when it cannot be read or written; nothing that was there is changed
   */
  static async open(options: DurableStoreOptions): Promise<DurableStore> {
    const { folder, programs, log, isFencing = true } = options;
    try {
      await ensurePrivateFolder(folder);
    } catch (error) {
      throw StorageError.ofWrite(folder, error);
    }
    const sql = await initSqlJs({ locateFile: () => programs.wasmFile });
    const journal = Journal.claim(folder, isFencing);
    let db: Database | undefined;
    try {
      await checkClaim(folder, journal.generation);
      const recovered = await recover(sql, folder, { before: journal.generation });
      db = recovered.db;
      for (const problem of recovered.problems) log.warn(problem);
      if (recovered.tornTail) log.warn(`left out: ${JSON.stringify(recovered.tornTail)}`);
      const version = schemaVersion(db);
      if (version > SCHEMA_VERSION) throw new StorageError('newer-version', folder);
      await journal.begin(recovered.seq, recovered.journals);
      const store = new DurableStore(db, new Statements(db), journal, options, recovered);
      if (version < SCHEMA_VERSION) store.mutate(() => migrate(store.statements, version));
      // A crash loop that is shorter than a checkpoint must not make the journal grow for ever.
      if (store.sealedBytes > OPEN_CHECKPOINT_FACTOR * store.threshold())
        await store.makeSnapshot();
      return store;
    } catch (error) {
      db?.close();
      await journal.close();
      throw error;
    }
  }

  mutate<T>(change: () => T): T {
    if (this.isInTransaction) throw new Error('A transaction cannot hold another one.');
    if (this.closed) throw new StorageError('lost-ownership', this.options.folder);
    this.isInTransaction = true;
    this.touched.clear();
    this.statements.record();
    let result: T;
    const sizeBefore = this.journal.bytes;
    this.statements.execute('BEGIN', []);
    try {
      result = change();
      const written = this.statements.take();
      if (written) this.journal.append(written);
      this.commit(written ? sizeBefore : undefined);
    } catch (error) {
      this.rollBack();
      this.notice(error);
      throw toError(error);
    } finally {
      this.isInTransaction = false;
    }
    this.isFailing = false;
    this.checkpointSoon();
    const ids = [...this.touched];
    if (ids.length > 0) this.changed.fire(ids);
    return result;
  }

  async synced(): Promise<void> {
    try {
      await this.journal.synced();
    } catch (error) {
      this.notice(error);
      throw error;
    }
  }

  /**
   * Looks whether somebody else has taken over, for times without writes.
   * @throws {StorageError} `lost-ownership`
   */
  checkOwnership(): void {
    try {
      this.journal.checkOwnership();
    } catch (error) {
      this.notice(error);
      throw error;
    }
  }

  /** Makes a snapshot now; settles when it is there, or could not be made (which is logged). */
  async makeSnapshot(): Promise<void> {
    this.checkpoint ??= this.runCheckpoint().finally(() => (this.checkpoint = undefined));
    await this.checkpoint;
  }

  /** Writes the state as a plain SQLite file. @throws {Error} when it cannot be written */
  async exportTo(target: string): Promise<void> {
    const { folder, programs } = this.options;
    await runInBackground(programs, { kind: 'export', folder, target });
  }

  /** Lets the files go; everything that was written is in them. May be called twice. */
  close(): Promise<void> {
    return (this.closed ??= this.letGo());
  }

  private async letGo(): Promise<void> {
    await this.checkpoint;
    await this.journal.close();
    this.statements.dispose();
    this.db.close();
    this.changed.dispose();
    this.lost.dispose();
    this.writeFailed.dispose();
  }

  private touch(id: string): void {
    if (!this.isInTransaction) throw new Error('Writes belong into a transaction.');
    this.touched.add(id);
  }

  private commit(journalSizeBefore: number | undefined): void {
    try {
      this.statements.execute('COMMIT', []);
    } catch (error) {
      if (journalSizeBefore !== undefined) this.journal.takeBack(journalSizeBefore);
      throw error;
    }
  }

  private rollBack(): void {
    try {
      this.db.exec('ROLLBACK');
    } catch {
      // Some errors have SQLite roll back by itself.
    }
  }

  private notice(error: unknown): void {
    if (!(error instanceof StorageError)) return;
    if (error.reason === 'lost-ownership') {
      if (!this.hasLost) this.lost.fire(error);
      this.hasLost = true;
    } else {
      if (!this.isFailing) this.writeFailed.fire(error);
      this.isFailing = true;
    }
  }

  private threshold(): number {
    const { checkpointBytes = CHECKPOINT_BYTES } = this.options;
    return Math.max(checkpointBytes, this.snapshotBytes / 8) * this.backOff;
  }

  private checkpointSoon(): void {
    if (this.checkpoint || this.sealedBytes + this.journal.bytes <= this.threshold()) return;
    void this.makeSnapshot();
  }

  /** Never rejects: without a snapshot everything is in the journals all the same. */
  private async runCheckpoint(): Promise<void> {
    const { folder, programs, log } = this.options;
    try {
      await this.journal.synced();
      const covered = this.sealedBytes + this.journal.bytes;
      const generation = this.journal.rotate();
      this.sealedBytes = covered;
      const { imageBytes } = await runInBackground(programs, {
        kind: 'snapshot',
        folder,
        generation,
      });
      this.sealedBytes -= covered;
      this.snapshotBytes = imageBytes;
      this.backOff = 1;
      await this.journal.synced();
      if (!this.hasLost) await removeCovered(folder);
    } catch (error) {
      this.backOff *= 2;
      log.warn(`no snapshot could be made: ${messageOf(error)}`);
      this.notice(error);
    }
  }
}
