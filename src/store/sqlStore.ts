import initSqlJs, { type Database } from 'sql.js';
import { Coalesced } from '../base/async';
import type { Disposable } from '../base/disposable';
import { toError } from '../base/errors';
import { Emitter } from '../base/event';
import type { Logger } from '../base/log';
import { StorageError } from '../domain/storageErrors';
import type { StateStore } from '../session/ports';
import { HandoffRows } from './handoffRows';
import type { Persistence } from './imageFile';
import { MessageRows } from './messageRows';
import { migrate, SCHEMA_VERSION, schemaVersion } from './migrations';
import { SessionRows } from './sessionRows';
import { Statements } from './statements';

/** What {@link SqlStore.open} needs. */
export interface SqlStoreOptions {
  readonly persistence: Persistence;
  /** Names the place in messages. */
  readonly file: string;
  /** Path of `sql-wasm.wasm`. */
  readonly wasmFile: string;
  readonly log: Logger;
}

/**
 * The state in sql.js: the database lives in memory, and what was committed is saved soon after. Calls
 * that come while a save runs share the next one.
 */
export class SqlStore implements StateStore, Disposable {
  readonly sessions: SessionRows;
  readonly messages: MessageRows;
  readonly handoffs: HandoffRows;

  private readonly changed = new Emitter<readonly string[]>();
  readonly onDidChange = this.changed.event;
  private readonly failed = new Emitter<Error>();
  /** Fires when a save has failed; the writes stay in memory and are saved with the next ones. */
  readonly onDidFailToSave = this.failed.event;

  private readonly statements: Statements;
  private readonly saving = new Coalesced(() => this.save());
  private readonly touched = new Set<string>();
  private isInTransaction = false;
  private version = 0;
  private savedVersion = 0;

  private constructor(
    private readonly db: Database,
    private readonly options: SqlStoreOptions,
  ) {
    this.statements = new Statements(db);
    const touch = (id: string): void => this.touch(id);
    this.sessions = new SessionRows(this.statements, touch);
    this.messages = new MessageRows(this.statements, touch);
    this.handoffs = new HandoffRows(this.statements, touch);
  }

  /**
   * Loads the state, or begins an empty one, and saves it once to know that it can be written.
   * @throws {StorageError} when it cannot be read or written
   */
  static async open(options: SqlStoreOptions): Promise<SqlStore> {
    const image = await options.persistence.load();
    const sql = await initSqlJs({ locateFile: () => options.wasmFile });
    let db: Database;
    try {
      db = new sql.Database(image);
      if (schemaVersion(db) > SCHEMA_VERSION) {
        throw new StorageError('newer-version', options.file);
      }
      migrate(db);
    } catch (error) {
      if (error instanceof StorageError) throw error;
      throw new StorageError('damaged', options.file, toError(error));
    }
    const store = new SqlStore(db, options);
    store.version = 1;
    await store.synced();
    return store;
  }

  mutate<T>(change: () => T): T {
    if (this.isInTransaction) throw new Error('A transaction cannot hold another one.');
    this.isInTransaction = true;
    this.touched.clear();
    let result: T;
    this.statements.run('BEGIN');
    try {
      result = change();
      this.statements.run('COMMIT');
    } catch (error) {
      this.statements.run('ROLLBACK');
      throw toError(error);
    } finally {
      this.isInTransaction = false;
    }
    this.version += 1;
    this.saving.request().catch((error: unknown) => this.reportFailure(error));
    const ids = [...this.touched];
    if (ids.length > 0) this.changed.fire(ids);
    return result;
  }

  async synced(): Promise<void> {
    while (this.savedVersion < this.version) await this.saving.request();
  }

  /** Saves what is left, as far as possible, and lets go of the memory. */
  async close(): Promise<void> {
    await this.synced().catch((error: unknown) => this.reportFailure(error));
    this.dispose();
  }

  dispose(): void {
    this.statements.dispose();
    this.db.close();
    this.changed.dispose();
    this.failed.dispose();
  }

  private touch(id: string): void {
    if (!this.isInTransaction) throw new Error('Writes belong into a transaction.');
    this.touched.add(id);
  }

  private async save(): Promise<void> {
    // A turn of the event loop lets the transactions of one burst share a save.
    await new Promise((resolve) => setImmediate(resolve));
    const version = this.version;
    if (version === this.savedVersion) return;
    await this.options.persistence.save(this.db.export());
    this.savedVersion = version;
  }

  private reportFailure(error: unknown): void {
    this.options.log.error('The state could not be saved.', error);
    this.failed.fire(toError(error));
  }
}
