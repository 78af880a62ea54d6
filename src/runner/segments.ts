import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { Coalesced } from '../base/async';
import { syncFolder } from '../base/files';
import { sealedName } from '../agents/eventSegments';
import { EVENTS_FILE } from '../domain/runnerProtocol';
import { recoverLog, type RecoveredLog } from './eventRecovery';
import { Segment } from './segment';

/** How large segments become and how many are kept. */
export interface SegmentLimits {
  /** A segment that has this many bytes is sealed before more is written. */
  readonly segmentBytes: number;
  /** Segments that are not needed any more are kept as long as all together have no more bytes. */
  readonly keepBytes: number;
}

/**
 * The files of an event log: whole lines are appended to the current one, which is sealed when it is
 * full. One writer; any number of readers go through {@link find} and {@link after}.
 */
export class Segments {
  private readonly sealed: Segment[];
  private currentSegment: Segment;
  private handle: fs.FileHandle;
  /** The current file has its sealed name, but the next one could not be made yet. */
  private isRenamed = false;
  /** A failed write may have left a part of a line behind. */
  private isTorn = false;
  /** Names in the folder have changed since it was made durable. */
  private isFolderDirty = true;
  private trimming: Promise<void> = Promise.resolve();
  private readonly syncing = new Coalesced(() => this.syncNow());

  private constructor(
    private readonly folder: string,
    private readonly limits: SegmentLimits,
    private appliedSeq: number,
    recovered: RecoveredLog,
  ) {
    this.sealed = recovered.sealed;
    this.currentSegment = recovered.current;
    this.handle = recovered.handle;
  }

  /**
   * Opens what is in the session's folder, see {@link recoverLog}.
   * @returns besides, the `seq` after which it goes on: never one that the host has seen already, even
   *   when a power cut took its event from the files; and the ids of commands that were acted on
   * @throws {UserError} when the files hold something else than events
   */
  static async open(
    folder: string,
    appliedSeq: number,
    limits: SegmentLimits,
  ): Promise<{ segments: Segments; lastSeq: number; commandIds: ReadonlySet<string> }> {
    const recovered = await recoverLog(folder, appliedSeq);
    const segments = new Segments(folder, limits, appliedSeq, recovered);
    try {
      // Line numbers must go with event numbers, so a gap is only possible between segments.
      if (appliedSeq > recovered.lastSeq) await segments.rotate(appliedSeq + 1);
      await segments.trim();
    } catch (error) {
      await segments.close();
      throw error;
    }
    const lastSeq = Math.max(recovered.lastSeq, appliedSeq);
    return { segments, lastSeq, commandIds: recovered.commandIds };
  }

  /**
   * Appends whole lines, to a fresh segment when the current one is full. After an error nothing of
   * them is there, and they may be tried again.
   * @param seq number of the first of their events
   */
  async append(lines: Buffer, seq: number): Promise<void> {
    if (this.currentSegment.bytes >= this.limits.segmentBytes) await this.rotate(seq);
    const { currentSegment: segment, handle } = this;
    try {
      if (this.isTorn) await handle.truncate(segment.bytes);
      this.isTorn = true;
      await handle.appendFile(lines);
      this.isTorn = false;
    } catch (error) {
      // Readers outside go to the end of the file: it should not stay torn until the next try.
      await handle.truncate(segment.bytes).then(
        () => (this.isTorn = false),
        () => undefined,
      );
      throw error;
    }
    segment.bytes += lines.length;
  }

  /** Settles when all that was appended before this call is on disk; one sync serves all who wait. */
  sync(): Promise<void> {
    return this.syncing.request();
  }

  /**
   * Nobody needs the events up to `seq` any more. The oldest segments are deleted while there are too many
   * bytes, but none with a later event.
   */
  async acknowledge(seq: number): Promise<void> {
    this.appliedSeq = Math.max(this.appliedSeq, seq);
    await this.trim();
  }

  /** The segment that holds event `seq`, or will hold it; the oldest one when it is no longer kept. */
  find(seq: number): Segment {
    const { sealed, currentSegment } = this;
    if (seq >= currentSegment.firstSeq) return currentSegment;
    return sealed.findLast(({ firstSeq }) => firstSeq <= seq) ?? sealed[0] ?? currentSegment;
  }

  /** The oldest segment after another one, which may be deleted by now; undefined while there is none. */
  after(segment: Segment): Segment | undefined {
    const isLater = ({ firstSeq }: Segment): boolean => firstSeq > segment.firstSeq;
    const { sealed, currentSegment } = this;
    return sealed.find(isLater) ?? (isLater(currentSegment) ? currentSegment : undefined);
  }

  /** Closes the current file once all that is under way is done. */
  async close(): Promise<void> {
    await this.trimming;
    await this.currentSegment.release();
  }

  /** May be tried again after an error: it goes on where it failed. */
  private async rotate(nextSeq: number): Promise<void> {
    const { folder, handle, currentSegment: full } = this;
    if (full.bytes === 0) return;
    const file = path.join(folder, EVENTS_FILE);
    const sealedFile = path.join(folder, sealedName(full.firstSeq));
    if (!this.isRenamed) {
      // A crash must not find a torn line anywhere but in the last segment.
      await handle.datasync();
      await fs.rename(file, sealedFile);
      full.file = sealedFile;
      this.isRenamed = true;
      this.isFolderDirty = true;
    }
    const next = await fs.open(file, 'a+', 0o600);
    const segment = new Segment(nextSeq, file, 0, false);
    segment.adopt(next);
    this.isRenamed = false;
    this.handle = next;
    this.sealed.push(full);
    this.currentSegment = segment;
    full.isSealed = true;
    await full.release();
    await this.sync();
    void this.trim();
  }

  private async syncNow(): Promise<void> {
    // Rotation has synced what is in older segments.
    const { handle, currentSegment: segment } = this;
    await segment.acquire();
    try {
      if (this.isFolderDirty) await this.syncNames();
      await handle.datasync();
    } finally {
      await segment.release();
    }
  }

  private async syncNames(): Promise<void> {
    // Before: a name that changes meanwhile needs the next one.
    this.isFolderDirty = false;
    try {
      await syncFolder(this.folder);
    } catch (error) {
      this.isFolderDirty = true;
      throw error;
    }
  }

  private trim(): Promise<void> {
    this.trimming = this.trimming.then(() => this.trimNow());
    return this.trimming;
  }

  /** Never rejects: a segment that cannot be deleted is tried again by the next runner. */
  private async trimNow(): Promise<void> {
    for (;;) {
      const [oldest, successor] = this.sealed;
      // The last sealed one stays: it tells where the numbers go on while the current one is empty.
      if (!oldest || !successor || successor.firstSeq - 1 > this.appliedSeq) return;
      if (this.totalBytes <= this.limits.keepBytes) return;
      this.sealed.shift();
      await fs.rm(oldest.file, { force: true }).catch(() => undefined);
    }
  }

  private get totalBytes(): number {
    const { sealed, currentSegment } = this;
    return sealed.reduce((total, { bytes }) => total + bytes, currentSegment.bytes);
  }
}
