import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { DurableStore } from '../src/store/durableStore';
import { encodeHeader, journalName } from '../src/store/journalFormat';
import { writeSnapshot } from '../src/store/snapshot';
import { openStore } from '../test/support/stores';

/** Makes the folder of a store whose state is that of an SQLite image; its journal is empty. */
export async function makeStoreFolder(folder: string, image: Uint8Array): Promise<void> {
  await fs.mkdir(folder, { recursive: true });
  await fs.writeFile(path.join(folder, journalName(1)), encodeHeader(1, 0));
  await writeSnapshot(folder, 1, { image, seq: 0 });
}

/** Opens a store that makes a snapshot only when it is told to. */
export function openWithoutCheckpoints(folder: string): Promise<DurableStore> {
  return openStore(folder, { checkpointBytes: Number.MAX_SAFE_INTEGER });
}

/** Bytes in all journals of a folder. */
export async function journalBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await fs.readdir(folder)) {
    if (name.endsWith('.log')) bytes += (await fs.stat(path.join(folder, name))).size;
  }
  return bytes;
}
