import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { delay } from '../base/async';
import { errorCode, UserError } from '../base/errors';

/** First and longest time between two attempts to write to a full disk, in milliseconds. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

const RESERVE_FILE = 'events.reserve';
const RESERVE_BYTES = 64 * 1024;

/** There is no room for a session's events. */
export class DiskFullError extends UserError {
  override name = 'DiskFullError';
  /** @param folder where the events would go */
  constructor(folder: string, options?: ErrorOptions) {
    super(
      `The disk is full: there is no room for the session's events in ${folder}. Make room and try again.`,
      options,
    );
  }
}

/** True when an error says that there is no room, which may change; not so for other failures. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '');
}

/** Waits between attempts to write to a full disk: longer and longer, but not for ever. */
export class DiskPatience {
  private readonly over = new AbortController();
  private sinceMs: number | undefined;
  private nextMs = FIRST_RETRY_MS;

  /** @param maxMs how long a disk may be full, in milliseconds */
  constructor(private readonly maxMs: number) {}

  /** Waits for the time of the next attempt; false when there shall be none. */
  async wait(): Promise<boolean> {
    const now = performance.now();
    this.sinceMs ??= now;
    const leftMs = this.sinceMs + this.maxMs - now;
    if (leftMs <= 0 || this.over.signal.aborted) return false;
    await delay(Math.min(this.nextMs, leftMs), this.over.signal);
    this.nextMs = Math.min(this.nextMs * 2, LAST_RETRY_MS);
    return !this.over.signal.aborted;
  }

  /** There was room: the next time that there is none counts from its own beginning. */
  reset(): void {
    this.sinceMs = undefined;
    this.nextMs = FIRST_RETRY_MS;
  }

  /** Waits no more, now and later. */
  end(): void {
    this.over.abort();
  }
}

/**
 * A file that only takes up room, so that a session whose disk is full can still record how it ended.
 * It is there while a runner is.
 */
export class DiskReserve {
  /** There is nothing left to give. */
  isReleased = false;
  private making: Promise<void> | undefined;

  constructor(private readonly folder: string) {}

  /** Makes it; without room for it there is none. */
  make(): void {
    this.making ??= this.write().catch(() => undefined);
  }

  /** Gives its room back. Safe to call twice; never rejects. */
  async release(): Promise<void> {
    this.isReleased = true;
    await this.making;
    await fs.rm(path.join(this.folder, RESERVE_FILE), { force: true }).catch(() => undefined);
  }

  private async write(): Promise<void> {
    // Random: a file system that compresses would make next to nothing of zeros.
    const bytes = randomBytes(RESERVE_BYTES);
    await fs.writeFile(path.join(this.folder, RESERVE_FILE), bytes, { mode: 0o600 });
  }
}
