import { crc32 } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { syncFolder } from '../base/files';
import { StorageError } from '../domain/storageErrors';
import { syncFile } from './journalFile';
import { journalName, snapshotName } from './journalFormat';

/**
 * A snapshot, `snap-<generation>.db`, is a plain SQLite file with 32 more bytes at its end: magic u32,
 * crc32 of the image, seq of the last transaction in it u64, length of the image u64, 4 bytes of
 * zero, crc32 of the 28 before. SQLite ignores them.
 */
const TRAILER_BYTES = 32;
const MAGIC = 0x4e535044; // "DPSN"

/** A snapshot whose checksums are right. */
export interface Snapshot {
  readonly image: Uint8Array;
  /** The last transaction that is in it. */
  readonly seq: number;
}

/**
 * Writes a snapshot so that it is there as a whole, or not at all.
 * @throws {StorageError} when it cannot be written
 */
export async function writeSnapshot(
  folder: string,
  generation: number,
  { image, seq }: Snapshot,
): Promise<void> {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32LE(MAGIC, 0);
  trailer.writeUInt32LE(crc32(image), 4);
  trailer.writeBigUInt64LE(BigInt(seq), 8);
  trailer.writeBigUInt64LE(BigInt(image.length), 16);
  trailer.writeUInt32LE(crc32(trailer.subarray(0, 28)), 28);
  const file = path.join(folder, snapshotName(generation));
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await fs.open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(image);
      await handle.writeFile(trailer);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // A power cut must not leave a snapshot without the journal that goes on after it.
    await syncFile(path.join(folder, journalName(generation)));
    await fs.rename(temporary, file);
    await syncFolder(folder);
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw StorageError.ofWrite(file, error);
  }
}

/**
 * Reads a snapshot.
 * @param isLenient also one whose image has a wrong checksum: whether SQLite can still read it must be
 *   checked then; default false
 * @throws {StorageError} `damaged` when a checksum is wrong, `not-readable` when it cannot be read
 */
export async function readSnapshot(
  folder: string,
  generation: number,
  isLenient = false,
): Promise<Snapshot> {
  const file = path.join(folder, snapshotName(generation));
  let bytes: Buffer;
  try {
    bytes = await fs.readFile(file);
  } catch (error) {
    throw new StorageError('not-readable', file, error);
  }
  const damaged = (what: string): StorageError =>
    new StorageError('damaged', file, new Error(what));
  if (bytes.length < TRAILER_BYTES) throw damaged('it was cut off');
  const image = bytes.subarray(0, bytes.length - TRAILER_BYTES);
  const trailer = bytes.subarray(bytes.length - TRAILER_BYTES);
  const isWhole =
    trailer.readUInt32LE(0) === MAGIC &&
    trailer.readUInt32LE(28) === crc32(trailer.subarray(0, 28)) &&
    Number(trailer.readBigUInt64LE(16)) === image.length;
  if (!isWhole) throw damaged('its end is not what was written');
  if (!isLenient && trailer.readUInt32LE(4) !== crc32(image)) throw damaged('a wrong checksum');
  return { image, seq: Number(trailer.readBigUInt64LE(8)) };
}
