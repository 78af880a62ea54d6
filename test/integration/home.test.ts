import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { claimHome, homeOf } from '../../src/store/home';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

describe('homeOf', () => {
  const cases = [
    ['/s/4f7b2c/deputy.deputy', '/s/4f7b2c/deputy.deputy'],
    ['/s/4f7b2c-1/deputy.deputy', '/s/4f7b2c/deputy.deputy'],
    ['/s/-4f7b2c-12/deputy.deputy', '/s/-4f7b2c/deputy.deputy'],
    ['/s/-12345678/deputy.deputy', '/s/-12345678/deputy.deputy'],
  ] as const;
  for (const [given, home] of cases) {
    it(`is ${home} for ${given}`, () =>
      assert.equal(homeOf(path.normalize(given)), path.normalize(home)));
  }
});

describe('claimHome', () => {
  let folder: string;
  let sockets: string;
  const children: ChildProcess[] = [];

  const hold = async (): Promise<{ child: ChildProcess; kind: string }> => {
    const program = path.resolve('out/test/fixtures/homeHolder.js');
    const child = spawn(process.execPath, [program, folder, sockets], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    return { child, kind: chunk.toString().trim() };
  };

  beforeEach(async () => {
    const root = await makeTempFolder();
    folder = path.join(root, 'home');
    sockets = path.join(root, 's');
    await fs.mkdir(sockets);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await removeTempFolder(path.dirname(folder));
  });

  it('gives a home to one process and tells the other who has it', async () => {
    const { child, kind } = await hold();
    assert.equal(kind, 'owned');
    const claim = await claimHome(folder, sockets);
    assert.ok(claim.kind === 'occupied');
    assert.equal(claim.pid, child.pid);
    claim.dispose();
  });

  it('says when the other has left, and can be claimed then', async () => {
    const { child } = await hold();
    const claim = await claimHome(folder, sockets);
    assert.ok(claim.kind === 'occupied');
    child.kill('SIGKILL');
    await claim.left;
    const mine = await claimHome(folder, sockets);
    assert.ok(mine.kind === 'owned');
    await mine.release();
  });

  it('can be claimed at once after its owner was killed or has released it', async () => {
    const { child } = await hold();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const mine = await claimHome(folder, sockets);
    assert.ok(mine.kind === 'owned');
    await mine.release();
    const again = await claimHome(folder, sockets);
    assert.ok(again.kind === 'owned');
    assert.equal(await mine.isStillOwner(), false);
    assert.equal(await again.isStillOwner(), true);
    await again.release();
  });

  it('gives a home to exactly one of eight that try at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, hold));
    assert.equal(outcomes.filter(({ kind }) => kind === 'owned').length, 1);
    assert.equal(outcomes.filter(({ kind }) => kind === 'occupied').length, 7);
  });

  it('keeps its files private and leaves no socket behind when released', async () => {
    const mine = await claimHome(folder, sockets);
    assert.ok(mine.kind === 'owned');
    const [record] = await fs.readdir(folder);
    // Windows has no modes; there the folder's own rights keep others out.
    if (process.platform !== 'win32') {
      assert.equal((await fs.stat(path.join(folder, record ?? ''))).mode & 0o777, 0o600);
      assert.equal((await fs.stat(folder)).mode & 0o777, 0o700);
    }
    await mine.release();
    assert.deepEqual(await fs.readdir(sockets), []);
  });

  it('is handed over by an owner that is asked to leave', async () => {
    const mine = await claimHome(folder, sockets);
    assert.ok(mine.kind === 'owned');
    const other = await claimHome(folder, sockets);
    assert.ok(other.kind === 'occupied');
    const asked = other.askToLeave();
    await mine.askedToLeave;
    await mine.release();
    await asked;
    await other.left;
    const next = await claimHome(folder, sockets);
    assert.ok(next.kind === 'owned');
    await mine.whenTaken();
    assert.equal(await mine.isStillOwner(), false);
    await next.release();
  });

  it('can be taken by force from an owner that is stuck', async () => {
    const { child } = await hold();
    child.kill('SIGSTOP');
    const mine = await claimHome(folder, sockets, true);
    assert.ok(mine.kind === 'owned');
    child.kill('SIGCONT');
    const seen = await claimHome(folder, sockets);
    assert.ok(seen.kind === 'occupied');
    assert.equal(seen.pid, process.pid);
    seen.dispose();
    await mine.release();
  });

  it('names a folder that cannot be made', async () => {
    const blocked = path.join(path.dirname(folder), 'file');
    await fs.writeFile(blocked, '');
    await assert.rejects(claimHome(path.join(blocked, 'home'), sockets), {
      reason: 'not-writable',
    });
  });
});
