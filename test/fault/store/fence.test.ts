import assert from 'node:assert/strict';
import fs from 'node:fs';
import * as path from 'node:path';
import { StorageError } from '../../../src/domain/storageErrors';
import type { DurableStore } from '../../../src/store/durableStore';
import { Journal } from '../../../src/store/journal';
import { journalName, NEWEST_FILE, scanJournal } from '../../../src/store/journalFormat';
import { recover } from '../../../src/store/recovery';
import { writeSnapshot } from '../../../src/store/snapshot';
import { openStore } from '../../support/stores';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { filesOf, proveState, sqlJs, writeFiles, writePlan } from './folder';
import { Model } from './model';
import { SEED, TEST_MS } from '../settings';

const options = { seed: SEED };
const LOST = { reason: 'lost-ownership' };

describe('A store that was taken over', function () {
  this.timeout(TEST_MS);
  let root: string;
  let folder: string;
  const opened: DurableStore[] = [];
  beforeEach(async () => {
    root = await makeTempFolder();
    folder = path.join(root, 'home');
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await removeTempFolder(root);
  });
  const open = async (): Promise<DurableStore> => {
    const store = await openStore(folder);
    opened.push(store);
    return store;
  };
  const journalBytes = (generation: number): Buffer =>
    fs.readFileSync(path.join(folder, journalName(generation)));

  it('does not touch its file again, apart from one whole record of the first refused write', async () => {
    const first = await open();
    writePlan(first, options, 20);
    const before = journalBytes(1);
    const second = await open();
    writePlan(second, options, 10);
    assert.throws(() => writePlan(first, options, 1), LOST);
    const after = journalBytes(1);
    assert.ok(after.subarray(0, before.length).equals(before));
    const { records, problem } = scanJournal(after, before.length);
    assert.equal(problem, undefined);
    assert.ok(records.length <= 1);

    const files = await filesOf(folder);
    for (let i = 0; i < 5; i++) assert.throws(() => writePlan(first, options, 1), LOST);
    assert.throws(() => first.checkOwnership(), LOST);
    await assert.rejects(first.synced(), LOST);
    await first.makeSnapshot();
    await first.close();
    opened.shift();
    assert.deepEqual(await filesOf(folder), files);
    assert.equal((await proveState(folder, new Model(options))).last, 30);
  });

  it('writes nothing more when the new owner has long removed the files in between', async () => {
    const first = await open();
    writePlan(first, options, 20);
    await first.synced();
    const second = await open();
    for (let i = 0; i < 3; i++) {
      writePlan(second, options, 5);
      await second.makeSnapshot();
    }
    assert.ok(!fs.existsSync(path.join(folder, journalName(2))));
    // It could make the file of the next generation, which is not there any more.
    const files = await filesOf(folder);
    const snapshot = first.makeSnapshot();
    await new Promise((turn) => setImmediate(turn));
    assert.throws(() => writePlan(first, options, 1), LOST);
    await snapshot;
    assert.deepEqual(await filesOf(folder), files);
    writePlan(second, options, 5);
    assert.equal((await proveState(folder, new Model(options))).last, 40);
  });

  it('writes nothing more even when all that happens while it makes its next file', async () => {
    const first = await open();
    writePlan(first, options, 20);
    await first.synced();
    // What another one makes of a copy of the folder is put in its place in the middle of the call.
    const copy = path.join(root, 'copy');
    await writeFiles(copy, await filesOf(folder));
    const second = await openStore(copy);
    for (let i = 0; i < 3; i++) await second.makeSnapshot();
    await second.close();
    const sync = fs.fdatasyncSync.bind(fs);
    Object.assign(fs, {
      fdatasyncSync: (fd: number) => {
        Object.assign(fs, { fdatasyncSync: sync });
        sync(fd);
        fs.rmSync(folder, { recursive: true });
        fs.renameSync(copy, folder);
      },
    });
    const snapshot = first.makeSnapshot();
    await new Promise((turn) => setImmediate(turn));
    assert.ok(!fs.existsSync(copy));
    assert.throws(() => writePlan(first, options, 1), LOST);
    await snapshot;
    assert.equal((await proveState(folder, new Model(options))).last, 20);
  });

  it('is not claimed with a list of files from long ago', async () => {
    const owner = await open();
    writePlan(owner, options, 20);
    const list = fs.readdirSync(folder);
    for (let i = 0; i < 3; i++) await owner.makeSnapshot();
    const readdir = fs.readdirSync.bind(fs);
    Object.assign(fs, {
      readdirSync: () => {
        Object.assign(fs, { readdirSync: readdir });
        return list;
      },
    });
    const second = await open();
    assert.throws(() => writePlan(owner, options, 1), LOST);
    writePlan(second, options, 10);
    assert.equal((await proveState(folder, new Model(options))).last, 30);
  });

  it('can be read when two have taken it over at once, and have read different ends', async () => {
    for (const isOlderFirst of [true, false]) {
      folder = path.join(root, `home ${String(isOlderFirst)}`);
      const first = await open();
      writePlan(first, options, 20);
      const older = Journal.claim(folder);
      const newer = Journal.claim(folder);
      const sql = await sqlJs();
      const read = async (journal: Journal): Promise<() => Promise<void>> => {
        const { db, seq, journals } = await recover(sql, folder, { before: journal.generation });
        db.close();
        return () => journal.begin(seq, journals);
      };
      // The one reads the end before the last, refused write has come there, the other one after it.
      const beginOne = await read(isOlderFirst ? older : newer);
      assert.throws(() => writePlan(first, options, 1), LOST);
      const beginOther = await read(isOlderFirst ? newer : older);
      const [beginOlder, beginNewer] = isOlderFirst
        ? [beginOne, beginOther]
        : [beginOther, beginOne];
      await beginNewer();
      await assert.rejects(beginOlder(), LOST);
      await older.close();
      await newer.close();
      const last = isOlderFirst ? 21 : 20;
      assert.equal((await proveState(folder, new Model(options))).last, last);
      writePlan(await open(), options, 10);
      assert.equal((await proveState(folder, new Model(options))).last, last + 10);
    }
  });

  it('has no snapshot whose journal could be missing after a power cut', async () => {
    const store = await open();
    writePlan(store, options, 1);
    // The journal must be on the disk before a snapshot says that it goes on there.
    const snapshot = { image: new Uint8Array(100), seq: 1 };
    await assert.rejects(writeSnapshot(folder, 7, snapshot), StorageError);
    assert.deepEqual(fs.readdirSync(folder), [journalName(1), NEWEST_FILE]);
  });
});
