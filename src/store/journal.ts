import * as fs from 'node:fs';
import * as path from 'node:path';
import { deferred, type Deferred } from '../base/async';
import { errorCode, toError } from '../base/errors';
import { syncFolder } from '../base/files';
import { StorageError } from '../domain/storageErrors';
import { fdatasync, highestGeneration, syncFile, writeAll } from './journalFile';
import {
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
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
  /** Path of the current file, and of the one that would fence us: they are asked for with every write. */
  private file: string;
  private nextFile: string;
  /** True when the name of the current file may not survive a power cut yet. */
  private isFolderDirty = false;

  private constructor(
    readonly folder: string,
    private fd: number,
    private current: number,
    private readonly isFencing: boolean,
  ) {
    this.inode = fs.fstatSync(fd).ino;
    this.file = path.join(folder, journalName(current));
    this.nextFile = path.join(folder, journalName(current + 1));
  }

  /**
   * Makes the next journal, which fences whoever had the store. Read the state only after that, and
   * then call {@link begin}.
   * @param isFencing false only to show what goes wrong without the fence
   * @throws {StorageError} when the folder cannot be written
   */
  static claim(folder: string, isFencing = true): Journal {
    for (;;) {
      const generation = highestGeneration(folder) + 1;
      const file = path.join(folder, journalName(generation));
      let fd: number;
      try {
        fd = fs.openSync(file, 'wx+', 0o600);
      } catch (error) {
        // Somebody was faster: then their journal is the one to come after.
        if (errorCode(error) === 'EEXIST') continue;
        throw StorageError.ofWrite(file, error);
      }
      if (highestGeneration(folder) === generation) {
        return new Journal(folder, fd, generation, isFencing);
      }
      // The list was old, and the owner has removed a file of that name: ours means nothing.
      fs.closeSync(fd);
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
      this.lastSeq = seq;
      this.writeHeader();
      await fdatasync(this.fd);
      await syncFolder(this.folder);
    } catch (error) {
      throw StorageError.ofWrite(file, error);
    }
    this.syncedSeq = seq;
    this.isFolderDirty = !this.noteGeneration();
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
    if (this.syncedSeq >= this.lastSeq && !this.isFolderDirty) return Promise.resolve();
    const done: Deferred<void> = deferred();
    this.waiters.push({ seq: this.lastSeq, done });
    void this.pump();
    return done.promise;
  }

  /**
   * Goes on in a new file; the one before is complete then, and can be made part of a snapshot. Await
   * {@link synced} right before, so that hardly anything is left to be synced here.
   * @returns the new generation
   * @throws {StorageError} when that is not possible; unless it is `lost-ownership`, transactions can be
   *   appended all the same
   */
  rotate(): number {
    this.checkOwnership();
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
    if (this.isFencing && !this.isThere()) {
      // A new owner has been here for so long that files were removed; that is why the name was free.
      fs.closeSync(fd);
      throw this.fail(new StorageError('lost-ownership', this.folder));
    }
    const before = this.fd;
    // The new file is ours whether or not its header can be written: it is what others look for.
    this.fd = fd;
    this.current = next;
    this.file = file;
    this.nextFile = path.join(this.folder, journalName(next + 1));
    this.inode = fs.fstatSync(fd).ino;
    this.isFolderDirty = true;
    this.size = 0;
    this.syncedSeq = this.lastSeq;
    this.settle();
    this.closeWhenIdle(before);
    try {
      this.writeHeader();
    } catch (error) {
      // It is written before the next record; a file without it counts as never used.
      this.cutBack();
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

  /** Does nothing when the header is there. */
  private writeHeader(): void {
    if (this.size > 0) return;
    writeAll(this.fd, encodeHeader(this.current, this.lastSeq), 0);
    this.size = HEADER_BYTES;
  }

  /**
   * Without this note, nobody would notice that the last journal, or all of them, are missing. It must
   * not come to the disk before the journal does.
   * @returns false when it could not be written; the next sync tries again
   */
  private noteGeneration(): boolean {
    try {
      fs.writeFileSync(path.join(this.folder, NEWEST_FILE), `${this.current}\n`, { mode: 0o600 });
      return true;
    } catch {
      return false;
    }
  }

  private isNewest(): boolean {
    return !fs.existsSync(this.nextFile) && this.isThere();
  }

  /** False when somebody has removed our file or the whole folder, or put another in its place. */
  private isThere(): boolean {
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
      const { current, isFolderDirty } = this;
      await fdatasync(this.fd);
      if (isFolderDirty) {
        await syncFolder(this.folder);
        // Another file, or another owner, may have come meanwhile.
        if (this.current === current && this.isNewest())
          this.isFolderDirty = !this.noteGeneration();
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
