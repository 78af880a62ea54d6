import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { StorageError } from '../../../src/domain/storageErrors';
import {
  HEADER_BYTES,
  journalGenerations,
  journalName,
  NEWEST_FILE,
} from '../../../src/store/journalFormat';
import { openStore } from '../../support/stores';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { filesOf, proveUnchanged, readFolder, restoreFiles, writeFiles, writePlan } from './folder';
import { Model, readStore, type StateImage } from './model';
import { count, digits, report, SEED, TEST_MS } from '../settings';

/** Twice as many, and all sessions are there: then most transactions are short. */
const BEFORE = 35;
const JOURNAL_BYTES = 3_000;
const options = { seed: SEED };

/** A folder whose last journal is going to be cut. */
interface Stage {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly journal: string;
  readonly bytes: Buffer;
  /** Where each of its records ends, and what the state is there. */
  readonly ends: readonly { readonly offset: number; readonly image: StateImage }[];
}

describe('A journal that is cut off at any byte', function () {
  this.timeout(TEST_MS);
  let root: string;
  beforeEach(async () => (root = await makeTempFolder()));
  afterEach(() => removeTempFolder(root));

  it('gives exactly the transactions that lie before the cut', async () => {
    const stage = await makeStage(root, 'journal of its own');
    const folder = path.join(root, 'cut');
    const file = path.join(folder, stage.journal);
    const step = count(1, 7);
    let cuts = 0;
    let opened = 0;
    for (let cut = 0; cut <= stage.bytes.length; cut++) {
      // Where records meet, each byte is looked at in the short run, too.
      const isNear = stage.ends.some(({ offset }) => Math.abs(offset - cut) <= 2);
      if (!isNear && cut % step > 0) continue;
      cuts++;
      await writeFiles(folder, stage.files);
      await fs.writeFile(file, stage.bytes.subarray(0, cut));
      const last = stage.ends.findLast(({ offset }) => offset <= cut);
      const expected = last?.image ?? stage.ends[0]?.image;
      const tail =
        cut <= HEADER_BYTES || last?.offset === cut
          ? undefined
          : { file, offset: last?.offset ?? HEADER_BYTES, bytes: cut - (last?.offset ?? 0) };
      if (cut < HEADER_BYTES) {
        // The note that the journal was used comes after its beginning, so this cannot be a crash.
        await proveDamaged(folder, file);
        await fs.rm(path.join(folder, NEWEST_FILE));
      }
      const { image, tornTail } = await readFolder(folder);
      assert.deepEqual([image, tornTail], [expected, tail], `cut at ${cut}`);
      // Opening it for writing takes longer.
      if (cut % count(1, 35) === 0) {
        const store = await openStore(folder);
        assert.deepEqual([readStore(store).image, store.tornTail], [expected, tail]);
        writePlan(store, options, 1);
        await store.close();
        const more = await readFolder(folder);
        assert.deepEqual(more.image, new Model(options).at((expected?.last ?? 0) + 1));
        await proveUnchanged(folder, new Map([[stage.journal, stage.bytes.subarray(0, cut)]]));
        opened++;
      }
      await restoreFiles(folder, stage.files);
    }
    report(
      `cuts ${digits(cuts)} in a journal of ${digits(stage.bytes.length)} bytes, ${stage.ends.length - 1} transactions in it, ` +
        `${digits(opened)} opened and written to, wrong 0`,
    );
  });

  it('is damaged when a snapshot says that there must be more', async () => {
    const stage = await makeStage(root, 'journal of a snapshot');
    const folder = path.join(root, 'cut');
    for (let cut = 0; cut < HEADER_BYTES; cut++) {
      await writeFiles(folder, stage.files);
      const file = path.join(folder, stage.journal);
      await fs.writeFile(file, stage.bytes.subarray(0, cut));
      await proveDamaged(folder, file);
    }
  });
});

async function proveDamaged(folder: string, file: string): Promise<void> {
  await assert.rejects(readFolder(folder), (error: unknown) => {
    assert.ok(error instanceof StorageError);
    assert.deepEqual([error.reason, error.file], ['damaged', file]);
    return true;
  });
}

async function makeStage(
  root: string,
  what: 'journal of its own' | 'journal of a snapshot',
): Promise<Stage> {
  const folder = path.join(root, 'whole');
  let store = await openStore(folder);
  writePlan(store, options, BEFORE);
  await store.makeSnapshot();
  if (what === 'journal of its own') {
    writePlan(store, options, BEFORE);
    await store.close();
    store = await openStore(folder);
  }
  const journal = journalName(journalGenerations(await fs.readdir(folder)).at(-1) ?? 0);
  const size = async (): Promise<number> => (await fs.stat(path.join(folder, journal))).size;
  const ends = [{ offset: await size(), image: readStore(store).image }];
  while ((ends.at(-1)?.offset ?? 0) < JOURNAL_BYTES) {
    writePlan(store, options, 1);
    ends.push({ offset: await size(), image: readStore(store).image });
  }
  await store.close();
  assert.equal(ends[0]?.offset, HEADER_BYTES);
  const files = await filesOf(folder);
  return { files, journal, bytes: files.get(journal) ?? Buffer.alloc(0), ends };
}
