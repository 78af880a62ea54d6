import assert from 'node:assert/strict';
import * as path from 'node:path';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { proveState } from './folder';
import { Model } from './model';
import { count, digits, report, SEED, TEST_MS } from '../settings';
import { Writer } from './writer';

const options = { seed: SEED };
/** Reading takes a fraction of the time between two checkpoints, as it does with the real size. */
const CHECKPOINT_BYTES = 200_000;
const READS = 30;

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
    const rounds = count(10, 1);
    let written = 0;
    // A store that only grew would take ever longer to read.
    for (let round = 0; round < rounds; round++) {
      const folder = path.join(root, `home${round}`);
      const model = new Model(options);
      writer = Writer.start(folder, { ...options, name: 'w', checkpointBytes: CHECKPOINT_BYTES });
      await writer.run('open');
      writer.send('write');
      let last = 0;
      for (let read = 0; read < READS; read++) {
        const promised = writer.acknowledged.length;
        last = (await proveState(folder, model)).last;
        assert.ok(last >= promised, `${promised} were acknowledged, ${last} are there`);
      }
      await writer.dispose();
      written += last;
    }
    report(`reads ${rounds * READS} while ${digits(written)} transactions were written, wrong 0`);
  });
});
