import * as fs from 'node:fs';
import initSqlJs from 'sql.js';
import { Coalesced, delay } from '../base/async';
import type { Disposable } from '../base/disposable';
import { messageOf } from '../base/errors';
import { Emitter } from '../base/event';
import type { Logger } from '../base/log';
import { StorageError } from '../domain/storageErrors';
import { readOverview, type Overview, type OverviewSource } from '../session/overview';
import type { CheckpointPrograms } from './checkpointer';
import { migrate, SCHEMA_VERSION, schemaVersion } from './migrations';
import { recover } from './recovery';
import { Statements } from './statements';
import { Tables } from './tables';

/** Shortest time between two looks at files that the owner goes on writing, in milliseconds. */
const LOOK_AGAIN_MS = 2_000;

/** The owner may remove files that a new snapshot covers while they are being read. */
const TRIES = 4;

/** The state that another process owns, as it is in the files; follows it, and never writes. */
export class ReadOnlyState implements OverviewSource, Disposable {
  private readonly changed = new Emitter<readonly string[]>();
  readonly onDidChange = this.changed.event;
  private readonly end = new AbortController();
  private readonly reload = new Coalesced(() => this.load());
  private watcher: fs.FSWatcher | undefined;
  private current: Overview = {
    sessions: new Map(),
    forest: { roots: [], children: new Map(), parents: new Map() },
    handoffs: new Map(),
    unread: new Map(),
    deleted: new Map(),
  };

  private constructor(
    private readonly folder: string,
    private readonly programs: CheckpointPrograms,
    private readonly log: Logger,
  ) {}

  /** Reads the state. @throws {StorageError} when it cannot be read */
  static async open(
    folder: string,
    programs: CheckpointPrograms,
    log: Logger,
  ): Promise<ReadOnlyState> {
    const state = new ReadOnlyState(folder, programs, log);
    state.follow();
    try {
      state.current = await readState(folder, programs);
    } catch (error) {
      state.dispose();
      throw error;
    }
    return state;
  }

  overview(): Overview {
    return this.current;
  }

  dispose(): void {
    this.end.abort();
    this.watcher?.close();
    this.changed.dispose();
  }

  /** Before the first look, so that nothing is missed in between. */
  private follow(): void {
    const look = (): void => void this.reload.request();
    try {
      this.watcher = fs.watch(this.folder, look);
      this.watcher.on('error', (error) => this.log.warn(`not followed: ${error.message}`));
    } catch (error) {
      // The system's watches are used up, which is common beside an editor.
      this.log.warn(`the state is looked at from time to time: ${messageOf(error)}`);
      const timer = setInterval(look, LOOK_AGAIN_MS);
      timer.unref();
      this.end.signal.addEventListener('abort', () => clearInterval(timer));
    }
  }

  private async load(): Promise<void> {
    await delay(LOOK_AGAIN_MS, this.end.signal);
    if (this.end.signal.aborted) return;
    try {
      const before = this.current;
      this.current = await readState(this.folder, this.programs);
      this.changed.fire([...new Set([...before.sessions.keys(), ...this.current.sessions.keys()])]);
    } catch (error) {
      this.log.error('The state of the other window cannot be read now.', error);
    }
  }
}

async function readState(folder: string, { wasmFile }: CheckpointPrograms): Promise<Overview> {
  const sql = await initSqlJs({ locateFile: () => wasmFile });
  for (let attempt = 1; ; attempt++) {
    try {
      const { db } = await recover(sql, folder);
      const statements = new Statements(db);
      try {
        // In memory only: the other window may be of an older release.
        const version = schemaVersion(db);
        if (version > SCHEMA_VERSION) throw new StorageError('newer-version', folder);
        if (version < SCHEMA_VERSION) migrate(statements, version);
        return readOverview(new Tables(statements, refuse));
      } finally {
        statements.dispose();
        db.close();
      }
    } catch (error) {
      if (!(error instanceof StorageError) || attempt === TRIES) throw error;
    }
  }
}

function refuse(): never {
  throw new Error('This state belongs to another window; it can only be read.');
}
