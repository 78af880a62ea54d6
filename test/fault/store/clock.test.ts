import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { openStore } from '../../support/stores';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { proveState, writePlan } from './folder';
import { Model } from './model';
import { report, SEED, TEST_MS } from '../settings';

const options = { seed: SEED, isClockBackwards: true };
const DAY_SECONDS = 86_400;

describe('A store whose clock jumps back', function () {
  this.timeout(TEST_MS);
  let root: string;
  beforeEach(async () => (root = await makeTempFolder()));
  afterEach(() => removeTempFolder(root));

  it('keeps every transaction, in the order in which they were made', async () => {
    const folder = path.join(root, 'home');
    const model = new Model(options);
    const rounds = 8;
    for (let round = 1; round <= rounds; round++) {
      const store = await openStore(folder);
      writePlan(store, options, 25);
      if (round % 3 === 0) await store.makeSnapshot();
      writePlan(store, options, 25);
      await store.close();
      // Each round's files look a day older than those of the round before.
      const seconds = Date.now() / 1_000 - round * DAY_SECONDS;
      for (const name of await fs.readdir(folder)) {
        const file = path.join(folder, name);
        const { mtimeMs } = await fs.stat(file);
        if (mtimeMs / 1_000 > seconds + DAY_SECONDS / 2) await fs.utimes(file, seconds, seconds);
      }
      assert.equal((await proveState(folder, model)).last, round * 50);
    }
    report(
      `clock: ${rounds * 50} transactions, each a second earlier than the one before, wrong 0`,
    );
  });
});
