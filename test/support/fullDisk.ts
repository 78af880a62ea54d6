import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { deferred, type Deferred } from '../../src/base/async';
import { exists } from '../../src/base/files';

/**
 * Lets this process believe that there is no room for appending to files, as long as `isFull`; half of
 * what is to be written is written before that is found out. A real full disk is in the fault suite.
 */
export class FullDisk {
  isFull = false;
  /** There is room once `events.reserve` is gone. */
  hasReserve = false;
  private refusals = 0;
  private refused: Deferred<void> = deferred();
  private readonly restore: () => void;

  private constructor(
    private readonly folder: string,
    code: string,
    prototype: fs.FileHandle,
  ) {
    const original = Object.getOwnPropertyDescriptor(prototype, 'appendFile');
    if (!original) throw new Error('A file handle has no appendFile.');
    const { value } = original as { value: (this: fs.FileHandle, bytes: Buffer) => Promise<void> };
    const isRefused = (): Promise<boolean> => this.isRefused();
    const makeError = (): Error => Object.assign(new Error(`${code}: no space`), { code });
    const appendFile = async function (this: fs.FileHandle, bytes: Buffer): Promise<void> {
      if (!(await isRefused())) return value.call(this, bytes);
      await value.call(this, bytes.subarray(0, bytes.length / 2));
      throw makeError();
    };
    Object.defineProperty(prototype, 'appendFile', { ...original, value: appendFile });
    this.restore = () => {
      Object.defineProperty(prototype, 'appendFile', original);
    };
  }

  /** @param code what a write fails with; default ENOSPC */
  static async make(folder: string, code = 'ENOSPC'): Promise<FullDisk> {
    const handle = await fs.open(path.join(folder, 'other'), 'w');
    await handle.close();
    return new FullDisk(folder, code, Object.getPrototypeOf(handle) as fs.FileHandle);
  }

  /** Settles when a write has failed after this call. */
  nextRefusal(): Promise<void> {
    return this.refused.promise;
  }

  /** Writes that failed so far. */
  get refusalCount(): number {
    return this.refusals;
  }

  dispose(): void {
    this.restore();
  }

  private async isRefused(): Promise<boolean> {
    if (!this.isFull) return false;
    if (this.hasReserve && !(await exists(path.join(this.folder, 'events.reserve')))) return false;
    this.refusals += 1;
    this.refused.resolve();
    this.refused = deferred();
    return true;
  }
}
