import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { run } from '../../host/run';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { proveState, readFolder } from './folder';
import { Model } from './model';
import { digits, report, SEED, TEST_MS } from '../settings';
import { Writer } from './writer';

const options = { seed: SEED, name: 'writer' };
const LIMIT_BYTES = 64 * 1024;
const TMPFS = 'size=768k';
/** Mounts a file system of its own, seen by nobody else and gone with the process. */
const MOUNT = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"';

// The system's limits are set with programs that only Linux has.
if (process.platform === 'linux') {
  describe('A store without room', function () {
    this.timeout(TEST_MS);
    let root: string;
    let folder: string;
    let writer: Writer | undefined;
    beforeEach(async () => {
      root = await makeTempFolder();
      folder = path.join(root, 'home');
    });
    afterEach(async () => {
      await writer?.dispose();
      await removeTempFolder(root);
    });

    it('refuses what does not fit, takes what fits, and goes on in another file or process', async () => {
      writer = Writer.start(folder, { ...options, checkpointBytes: 1e9 }, limited(LIMIT_BYTES));
      await writer.run('open');
      assert.equal((await writer.refused(`huge ${LIMIT_BYTES * 2}`)).reason, 'disk-full');
      await writer.run('write 10');
      // Nothing of the refused one has stayed behind what was written since.
      assert.equal((await readFolder(folder)).tornTail, undefined);
      const { reason, message } = await writer.refused('write');
      assert.equal(reason, 'disk-full');
      assert.ok(message.includes(folder), message);
      assert.equal(await writer.run('check'), `check at ${writer.acknowledged.length}`);
      const inFirst = writer.acknowledged.length;
      // There is no room for the snapshot, but a journal of its own gives some.
      await writer.run('snapshot');
      await writer.run('write 10');
      await writer.run('check');
      writer.kill();
      await writer.ended;
      const model = new Model(options);
      assert.equal((await proveState(folder, model)).last, inFirst + 10);

      writer = Writer.start(folder, options);
      await writer.run('open');
      await writer.run('write 200');
      await writer.run('close');
      assert.equal((await proveState(folder, model)).last, inFirst + 210);
      report(`limit of ${digits(LIMIT_BYTES)} bytes: acknowledged ${inFirst + 210}, lost 0`);
    });

    it('goes on by itself when there is room again', async () => {
      writer = Writer.start(folder, { ...options, checkpointBytes: 1e9 }, limited(LIMIT_BYTES));
      await writer.run('open');
      for (let round = 1; round <= 3; round++) {
        assert.equal((await writer.refused('write')).reason, 'disk-full');
        await writer.run('check');
        await setLimit(writer.pid, LIMIT_BYTES * (round + 1));
      }
      // Not even the first bytes of a new journal fit.
      await setLimit(writer.pid, 16);
      await writer.run('snapshot');
      assert.equal((await writer.refused('write')).reason, 'disk-full');
      await writer.run('check');
      await setLimit(writer.pid, 'unlimited');
      await writer.run('write 20');
      await writer.run('snapshot');
      await writer.run('write 20');
      await writer.run('check');
      writer.kill();
      await writer.ended;
      const { last } = await proveState(folder, new Model(options));
      assert.equal(last, writer.acknowledged.length);
      report(`room comes and goes: acknowledged ${digits(last)}, lost 0`);
    });

    it('goes on after a file system was full', async () => {
      const mount = ['unshare', '--mount', 'sh', '-c', MOUNT, 'sh', TMPFS, root];
      try {
        await run('unshare', [...mount.slice(1), 'true']);
      } catch {
        report('full file system: mounting is not permitted here, see the tests above');
        return;
      }
      writer = Writer.start(folder, { ...options, checkpointBytes: 20_000 }, mount);
      await writer.run('open');
      for (let round = 0; round < 4; round++) {
        await writer.run('write 60');
        await writer.run('fill');
        // In every other round, a new journal is begun right when there is no room for it.
        if (round % 2 === 1) await writer.run('snapshot');
        assert.equal((await writer.refused('write')).reason, 'disk-full');
        await writer.run('check');
        await writer.run('empty');
        await writer.run('write 60');
        await writer.run('check');
      }
      await writer.run('synced');
      await writer.run('close');
      assert.equal(await writer.run('open'), `open at ${writer.acknowledged.length}`);
      await writer.run('check');
      assert.deepEqual(await fs.readdir(root), [], 'it was not a file system of its own');
      report(`full file system: acknowledged ${digits(writer.acknowledged.length)}, lost 0`);
    });
  });
}

/** Starts a program so that no file may become longer, until {@link setLimit} says otherwise. */
function limited(bytes: number): string[] {
  return ['prlimit', `--fsize=${bytes}:unlimited`];
}

async function setLimit(pid: number, bytes: number | 'unlimited'): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
}
