import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
import * as path from 'node:path';
import { deferred, type Deferred } from '../base/async';
import { errorCode, toError } from '../base/errors';
import { syncFolder } from '../base/files';
import { StorageError } from '../domain/storageErrors';
import {
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
  journalGenerations,
  journalName,
  NEWEST_FILE,
  type Transaction,
} from './journalFormat';

/**
 * The journal that this process writes. Whoever has made the journal of the highest generation owns
 * the store; making the next one fences the owner before. A write counts only when nobody had made
 * the next one by then, so a fenced owner never acknowledges what the new one does not see.
 *
 * Writes are synchronous on purpose: one small append, a few microseconds, after which the change
 * survives the death of this process.
 */
export class Journal {
  private failure: StorageError | undefined;
  private readonly waiters: { readonly seq: number; readonly done: Deferred<void> }[] = [];
  private syncedSeq = 0;
  private isSyncing = false;
  private size = 0;
  private lastSeq = 0;
  private inode: number;
  /** True when the name of the current file may not survive a power cut yet. */
  private isFolderDirty = false;
  /** The header of the current file while there was no room for it. */
  private pendingHeader: Buffer | undefined;

  private constructor(
    readonly folder: string,
    private fd: number,
    private current: number,
    private readonly isFencing: boolean,
  ) {
    this.inode = fs.fstatSync(fd).ino;
  }

  /**
   * Makes the next journal, which fences whoever had the store. Read the state only after that, and
   * then call {@link begin}.
   * @param isFencing false only to show what goes wrong without the fence
   * @throws {StorageError} when the folder cannot be written
   */
  static claim(folder: string, isFencing = true): Journal {
    for (;;) {
      const generation = Math.max(0, ...journalGenerations(readFolder(folder))) + 1;
      const file = path.join(folder, journalName(generation));
      try {
        return new Journal(folder, fs.openSync(file, 'wx+', 0o600), generation, isFencing);
      } catch (error) {
        // Somebody was faster: then their journal is the one to come after.
        if (errorCode(error) !== 'EEXIST') throw StorageError.ofWrite(file, error);
      }
    }
  }

  /** Its generation; grows with {@link rotate}. */
  get generation(): number {
    return this.current;
  }

  /** The last transaction that was appended. */
  get seq(): number {
    return this.lastSeq;
  }

  /** Bytes in the current file. */
  get bytes(): number {
    return this.size;
  }

  /**
   * Writes the header: from now on transactions can be appended.
   * @param seq the last transaction that was read from the files before
   * @param read generations of the journals it was read from
   * @throws {StorageError} `lost-ownership` when somebody has claimed the store meanwhile
   */
  async begin(seq: number, read: readonly number[]): Promise<void> {
    const file = this.file;
    try {
      // What we have read becomes durable before our header says that it is there.
      for (const generation of read)
        await syncFile(path.join(this.folder, journalName(generation)));
      fs.writeSync(this.fd, encodeHeader(this.current, seq), 0, HEADER_BYTES, 0);
      await fdatasync(this.fd);
      await syncFolder(this.folder);
    } catch (error) {
      throw StorageError.ofWrite(file, error);
    }
    this.size = HEADER_BYTES;
    this.lastSeq = seq;
    this.syncedSeq = seq;
    this.noteGeneration();
    this.checkOwnership();
  }

  /**
   * Appends a transaction. When the call returns, it survives the death of this process.
   * @throws {StorageError} `lost-ownership`: whether it counts is unknown, and nothing can be appended
   *   any more. Otherwise: it does not count, and others may be appended.
   */
  append(transaction: Transaction): void {
    if (this.failure) throw this.failure;
    const bytes = encodeRecord(this.lastSeq + 1, transaction);
    try {
      this.writeHeader();
      writeAll(this.fd, bytes, this.size);
    } catch (error) {
      this.cutBack();
      throw StorageError.ofWrite(this.file, error);
    }
    this.checkOwnership();
    this.lastSeq += 1;
    this.size += bytes.length;
  }

  /** Takes back the transaction that was appended last, which must not have been acknowledged. */
  takeBack(sizeBefore: number): void {
    this.size = sizeBefore;
    this.lastSeq -= 1;
    this.cutBack();
  }

  /** Throws when somebody has claimed the store after us; from then on nothing can be appended. */
  checkOwnership(): void {
    if (this.failure) throw this.failure;
    if (!this.isFencing || this.isNewest()) return;
    // The file is left as it is: the new owner may have read it already.
    throw this.fail(new StorageError('lost-ownership', this.folder));
  }

  /**
   * Settles when all that was appended before the call would survive a power cut. Calls that come
   * while a sync runs share the next one.
   * @throws {StorageError} when the system could not write it
   */
  synced(): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    if (this.syncedSeq >= this.lastSeq) return Promise.resolve();
    const done: Deferred<void> = deferred();
    this.waiters.push({ seq: this.lastSeq, done });
    void this.pump();
    return done.promise;
  }

  /**
   * Goes on in a new file; the one before is complete then, and can be made part of a snapshot. Await
   * {@link synced} right before, so that hardly anything is left to be synced here.
   * @returns the new generation
   * @throws {StorageError} when that is not possible; transactions can be appended all the same
   */
  rotate(): number {
    if (this.failure) throw this.failure;
    const next = this.current + 1;
    const file = path.join(this.folder, journalName(next));
    let fd: number;
    try {
      fs.fdatasyncSync(this.fd);
      fd = fs.openSync(file, 'wx+', 0o600);
    } catch (error) {
      if (errorCode(error) === 'EEXIST') {
        throw this.fail(new StorageError('lost-ownership', this.folder));
      }
      throw StorageError.ofWrite(file, error);
    }
    const before = this.fd;
    // The new file is ours whether or not its header can be written: it is what others look for.
    this.fd = fd;
    this.current = next;
    this.inode = fs.fstatSync(fd).ino;
    this.isFolderDirty = true;
    this.size = HEADER_BYTES;
    this.syncedSeq = this.lastSeq;
    this.pendingHeader = encodeHeader(next, this.lastSeq);
    this.settle();
    this.closeWhenIdle(before);
    try {
      this.writeHeader();
      this.noteGeneration();
    } catch (error) {
      // It is written before the next record; a file without it counts as never used.
      throw StorageError.ofWrite(file, error);
    }
    return next;
  }

  /** Closes the file. Whoever waits for a sync is told that there is none. */
  async close(): Promise<void> {
    if (!this.failure) await this.synced().catch(() => undefined);
    this.fail(this.failure ?? new StorageError('lost-ownership', this.folder));
    this.closeWhenIdle(this.fd);
  }

  private writeHeader(): void {
    if (!this.pendingHeader) return;
    writeAll(this.fd, this.pendingHeader, 0);
    this.pendingHeader = undefined;
  }

  /** Without it, nobody would notice that the last journal, or all of them, are missing. */
  private noteGeneration(): void {
    const file = path.join(this.folder, NEWEST_FILE);
    try {
      fs.writeFileSync(file, `${this.current}\n`, { mode: 0o600 });
    } catch (error) {
      throw StorageError.ofWrite(file, error);
    }
  }

  private get file(): string {
    return path.join(this.folder, journalName(this.current));
  }

  private isNewest(): boolean {
    if (fs.existsSync(path.join(this.folder, journalName(this.current + 1)))) return false;
    // Somebody may have removed the whole folder, or put another in its place.
    try {
      return fs.statSync(this.file).ino === this.inode;
    } catch {
      return false;
    }
  }

  /** Removes what a failed write has left; if even that fails, nothing more can be appended. */
  private cutBack(): void {
    try {
      fs.ftruncateSync(this.fd, this.size);
    } catch (error) {
      this.fail(StorageError.ofWrite(this.file, error));
    }
  }

  private fail(failure: StorageError): StorageError {
    this.failure ??= failure;
    for (const { done } of this.waiters.splice(0)) done.reject(this.failure);
    return this.failure;
  }

  private async pump(): Promise<void> {
    if (this.isSyncing || this.failure) return;
    this.isSyncing = true;
    const seq = this.lastSeq;
    try {
      const isFolderDirty = this.isFolderDirty;
      await fdatasync(this.fd);
      if (isFolderDirty) {
        await syncFolder(this.folder);
        this.isFolderDirty = false;
      }
      this.syncedSeq = Math.max(this.syncedSeq, seq);
      this.settle();
    } catch (error) {
      // What the system failed to write once may be gone for good, whatever a second try says.
      this.fail(StorageError.ofWrite(this.file, toError(error)));
    } finally {
      this.isSyncing = false;
      for (const fd of this.closing.splice(0)) fs.closeSync(fd);
    }
    if (this.waiters.length > 0) void this.pump();
  }

  private readonly closing: number[] = [];

  /** A sync may still work on the file. */
  private closeWhenIdle(fd: number): void {
    if (this.isSyncing) this.closing.push(fd);
    else fs.closeSync(fd);
  }

  private settle(): void {
    const isDone = ({ seq }: { seq: number }): boolean => seq <= this.syncedSeq;
    for (const { done } of this.waiters.filter(isDone)) done.resolve();
    this.waiters.splice(0, this.waiters.length, ...this.waiters.filter((it) => !isDone(it)));
  }
}

function readFolder(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    throw new StorageError('not-readable', folder, error);
  }
}

/** One write where the system takes it in one; a part of a write is completed or fails. */
function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;) {
    const written = fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
    if (written === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    done += written;
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

function fdatasync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(fd, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
