import * as fs from 'node:fs/promises';
import { errorCode } from '../base/errors';
import { writeFileAtomic } from '../base/files';
import { StorageError } from '../domain/storageErrors';

/** Where the database is kept between two runs. */
export interface Persistence {
  /** The last image that was saved, or undefined when there is none. */
  load(): Promise<Uint8Array | undefined>;
  /** Replaces the image, wholly or not at all. @throws {StorageError} when it cannot be written */
  save(image: Uint8Array): Promise<void>;
}

/**
 * Keeps the whole database image in one file. Every save writes all of it, so it suits a small store
 * only.
 */
export class ImageFile implements Persistence {
  /**
   * @param isOwner false once another window has taken over; nothing is written from then on
   */
  constructor(
    readonly file: string,
    private readonly isOwner: () => Promise<boolean>,
  ) {}

  async load(): Promise<Uint8Array | undefined> {
    try {
      return await fs.readFile(this.file);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw new StorageError('damaged', this.file, error);
    }
  }

  async save(image: Uint8Array): Promise<void> {
    if (!(await this.isOwner())) throw new StorageError('lost-ownership', this.file);
    try {
      await writeFileAtomic(this.file, image);
    } catch (error) {
      throw new StorageError('not-writable', this.file, error);
    }
  }
}
