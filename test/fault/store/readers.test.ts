import assert from 'node:assert/strict';
import * as path from 'node:path';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { proveState } from './folder';
import { Model } from './model';
import { count, digits, report, SEED, TEST_MS } from './settings';
import { Writer } from './writer';

const options = { seed: SEED };
/** Reading takes a fraction of the time between two checkpoints, as it does with the real size. */
const CHECKPOINT_BYTES = 200_000;

describe('A store that others read while it is written', function () {
  this.timeout(TEST_MS);
  let root: string;
  let writer: Writer | undefined;
  beforeEach(async () => (root = await makeTempFolder()));
  afterEach(async () => {
    await writer?.dispose();
    await removeTempFolder(root);
  });

  it('is whole each time, and never looks damaged', async () => {
    const folder = path.join(root, 'home');
    writer = Writer.start(folder, { ...options, name: 'w', checkpointBytes: CHECKPOINT_BYTES });
    await writer.run('open');
    writer.send('write');
    const reads = count(300, 30);
    const model = new Model(options);
    let last = 0;
    for (let i = 0; i < reads; i++) {
      const promised = writer.acknowledged.length;
      last = (await proveState(folder, model)).last;
      assert.ok(last >= promised, `${promised} were acknowledged, ${last} are there`);
    }
    report(`reads ${reads} while ${digits(last)} transactions were written, wrong 0`);
  });
});
