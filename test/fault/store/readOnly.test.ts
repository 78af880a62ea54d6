import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { openStore, STORE_PROGRAMS } from '../../support/stores';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { filesOf, proveState, proveUnchanged, writePlan } from './folder';
import { Model } from './model';
import { report, SEED, TEST_MS } from '../settings';
import { Writer } from './writer';

/** "nobody": root may write anywhere. */
const NOBODY = 65_534;
const options = { seed: SEED };

// Windows has no such mode for folders.
if (process.platform !== 'win32') {
  describe('A store in a folder that cannot be written', function () {
    this.timeout(TEST_MS);
    let root: string;
    let writer: Writer | undefined;
    beforeEach(async () => (root = await makeTempFolder()));
    afterEach(async () => {
      await writer?.dispose();
      await fs.chmod(path.join(root, 'home'), 0o700);
      await removeTempFolder(root);
    });

    it('is refused with the name of the folder, and nothing in it changes', async () => {
      const folder = path.join(root, 'home');
      const store = await openStore(folder);
      writePlan(store, options, 20);
      await store.close();
      const files = await filesOf(folder);

      // It must be able to read all of it, wherever it was built.
      const wasmFile = path.join(root, 'sql-wasm.wasm');
      await fs.copyFile(STORE_PROGRAMS.wasmFile, wasmFile);
      for (const file of [wasmFile, ...[...files.keys()].map((name) => path.join(folder, name))]) {
        await fs.chmod(file, 0o644);
      }
      await fs.chmod(root, 0o755);
      await fs.chmod(folder, 0o555);
      const isRoot = process.getuid?.() === 0;
      writer = Writer.start(folder, {
        ...options,
        name: 'nobody',
        programs: { ...STORE_PROGRAMS, wasmFile },
        ...(isRoot ? { userId: NOBODY } : {}),
      });
      const { reason, message } = await writer.refused('open');
      assert.equal(reason, 'not-writable');
      assert.ok(message.includes(folder), message);
      assert.deepEqual([...(await filesOf(folder)).keys()], [...files.keys()]);
      await proveUnchanged(folder, files);
      assert.equal((await proveState(folder, new Model(options))).last, 20);
      report(`read-only folder: refused as ${reason}, ${files.size} files unchanged`);
    });
  });
}
