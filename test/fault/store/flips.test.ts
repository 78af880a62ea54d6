import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { StorageError } from '../../../src/domain/storageErrors';
import type { DurableStore } from '../../../src/store/durableStore';
import {
  journalGenerations,
  journalName,
  snapshotGenerations,
} from '../../../src/store/journalFormat';
import { openStore } from '../../support/stores';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import {
  filesOf,
  lastingFiles,
  proveUnchanged,
  restoreFiles,
  writeFiles,
  writePlan,
} from './folder';
import { Model, readStore } from './model';
import { Random } from '../random';
import { count, digits, report, SEED, TEST_MS } from '../settings';

const options = { seed: SEED };
/** Transactions in each journal. */
const SHARE = 12;

describe('A store with one wrong bit', function () {
  this.timeout(TEST_MS);
  let root: string;
  beforeEach(async () => (root = await makeTempFolder()));
  afterEach(() => removeTempFolder(root));

  it('is complete, or names the damaged file, or leaves out the end and says so', async () => {
    const { files, lastEnd } = await makeStore(path.join(root, 'whole'));
    const lastJournal = journalName(journalGenerations([...files.keys()]).at(-1) ?? 0);
    const last = 5 * SHARE;
    const whole = new Model(options).at(last);
    const shorter = new Model(options).at(last - 1);
    const names = [...files.keys()];
    const folder = path.join(root, 'flipped');
    await writeFiles(folder, files);
    const flips = count(1_000, 100);
    const seen = { complete: 0, refused: 0, torn: 0 };
    for (let i = 0; i < flips; i++) {
      const random = new Random(SEED, i);
      const name = random.pick(names as [string, ...string[]]);
      const bytes = Buffer.from(files.get(name) ?? '');
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      const file = path.join(folder, name);
      await fs.writeFile(file, bytes);
      const flipped = new Map([...files, [name, bytes]]);
      const what = `${name}, byte ${at}`;
      const store = await openOrError(folder);
      if (store instanceof StorageError) {
        assert.ok(store.message.includes(name), `${what}: ${store.message}`);
        await proveUnchanged(folder, flipped);
        assert.ok(['damaged', 'newer-version'].includes(store.reason), what);
        seen.refused++;
      } else if (store.tornTail) {
        assert.deepEqual(store.tornTail.file, path.join(folder, lastJournal), what);
        assert.equal(name, lastJournal, what);
        assert.ok(at >= lastEnd && store.tornTail.offset === lastEnd, what);
        assert.deepEqual(readStore(store).image, shorter, what);
        seen.torn++;
      } else {
        assert.deepEqual(readStore(store).image, whole, what);
        seen.complete++;
      }
      if (!(store instanceof StorageError)) await store.close();
      await proveUnchanged(folder, lastingFiles(flipped));
      await restoreFiles(folder, files);
    }
    report(
      `flips ${digits(flips)} in ${names.length} files: ${seen.complete} complete, ${seen.refused} refused, ` +
        `${seen.torn} without the last transaction and said so, silent damage 0`,
    );
  });

  it('is complete, or names what is missing, when any file is gone', async () => {
    const { files } = await makeStore(path.join(root, 'whole'));
    const whole = new Model(options).at(5 * SHARE);
    const names = [...files.keys()];
    const groups = [
      ...names.map((name) => [name]),
      names.filter((name) => name.endsWith('.log')),
      names.filter((name) => name.endsWith('.db')),
    ];
    for (const [i, gone] of groups.entries()) {
      const folder = path.join(root, `without${i}`);
      await writeFiles(folder, new Map([...files].filter(([name]) => !gone.includes(name))));
      const store = await openOrError(folder);
      if (store instanceof StorageError) {
        assert.equal(store.reason, 'damaged');
        continue;
      }
      assert.deepEqual(readStore(store).image, whole, `without ${gone.join(' and ')}`);
      await store.close();
    }
  });
});

/** A store with two snapshots and journals before, between and after them. */
async function makeStore(folder: string): Promise<{ files: Map<string, Buffer>; lastEnd: number }> {
  let store = await openStore(folder);
  for (let snapshot = 0; snapshot < 2; snapshot++) {
    writePlan(store, options, SHARE);
    await store.makeSnapshot();
  }
  for (let journal = 0; journal < 2; journal++) {
    writePlan(store, options, SHARE);
    await store.close();
    store = await openStore(folder);
  }
  writePlan(store, options, SHARE - 1);
  const names = await fs.readdir(folder);
  const last = journalName(journalGenerations(names).at(-1) ?? 0);
  const lastEnd = (await fs.stat(path.join(folder, last))).size;
  writePlan(store, options, 1);
  await store.close();
  assert.equal(snapshotGenerations(names).length, 2);
  assert.ok(journalGenerations(names).length >= 4, names.join(' '));
  return { files: await filesOf(folder), lastEnd };
}

async function openOrError(folder: string): Promise<DurableStore | StorageError> {
  try {
    return await openStore(folder);
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}
