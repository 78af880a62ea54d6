import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import initSqlJs from 'sql.js';
import { silentLogger } from '../../src/base/log';
import { StorageError } from '../../src/domain/storageErrors';
import { ImageFile, type Persistence } from '../../src/store/imageFile';
import { SqlStore } from '../../src/store/sqlStore';
import { makeSession } from '../support/sessions';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

const wasmFile = path.resolve('dist/sql-wasm.wasm');

describe('SqlStore', () => {
  let folder: string;
  let file: string;
  const open = (persistence: Persistence = new ImageFile(file, async () => true)) =>
    SqlStore.open({ persistence, file, wasmFile, log: silentLogger });

  beforeEach(async () => {
    folder = await makeTempFolder();
    file = path.join(folder, 'deputy.db');
  });
  afterEach(() => removeTempFolder(folder));

  it('gives back every field of a session after it was closed and opened again', async () => {
    const full = makeSession({
      task: 'späße\n"quoted"',
      state: 'running',
      presence: 'alive',
      pid: 42,
      worktree: {
        path: '/w t',
        branch: 'deputy/a',
        baseBranch: undefined,
        baseCommit: 'c'.repeat(40),
      },
      repository: '/repo',
      conversationId: 'conv',
      requests: [
        {
          requestId: 'r',
          title: 'Run',
          options: [{ optionId: 'y', name: 'Yes', kind: 'allow_once' }],
        },
      ],
      reason: 'because',
      appliedSeq: 12,
      metrics: { tokensUsed: 1, toolCalls: 2, filesChanged: 3, durationSecs: 4.5, costUsd: 0.25 },
      turnStartedAt: 99,
      createdAt: 1_700_000_000_000,
      updatedAt: 1_700_000_000_001,
    });
    const bare = makeSession({ id: 'bbbb2222' });
    const first = await open();
    first.mutate(() => {
      first.sessions.insert(full);
      first.sessions.insert(bare);
    });
    await first.close();
    const second = await open();
    assert.deepEqual(second.sessions.get(full.id), full);
    assert.deepEqual(second.sessions.get(bare.id), bare);
    await second.close();
  });

  it('takes all writes of a transaction or, when it throws, none', async () => {
    const store = await open();
    const seen: string[][] = [];
    store.onDidChange((ids) => seen.push([...ids]));
    assert.throws(
      () =>
        store.mutate(() => {
          store.sessions.insert(makeSession());
          throw new Error('half-way');
        }),
      /half-way/,
    );
    assert.deepEqual(store.sessions.list(), []);
    store.mutate(() => store.sessions.insert(makeSession()));
    assert.deepEqual(seen, [['aaaa1111']]);
    await store.close();
  });

  it('refuses writes outside of a transaction', async () => {
    const store = await open();
    assert.throws(() => store.sessions.insert(makeSession()), /transaction/);
    await store.close();
  });

  it('counts unread messages and derives lineage from handoffs', async () => {
    const store = await open();
    store.mutate(() => {
      const handoff = {
        from: 'lead',
        to: 'w1',
        type: 'task_handoff',
        content: '{}',
        timestamp: 1,
      } as const;
      store.handoffs.insert({ id: store.messages.insert(handoff), from: 'lead', to: 'w1' });
      store.handoffs.insert({
        id: store.messages.insert({ ...handoff, to: 'w2' }),
        from: 'lead',
        to: 'w2',
      });
      store.handoffs.insert({ id: store.messages.insert(handoff), from: 'lead', to: 'w1' });
    });
    assert.deepEqual([...store.messages.unreadCounts()].sort(), [
      ['w1', 2],
      ['w2', 1],
    ]);
    assert.deepEqual(store.handoffs.childrenOf('lead', 5), ['w1', 'w2']);
    assert.deepEqual(store.handoffs.childrenOf('lead', 1), ['w1']);
    assert.equal(store.handoffs.parentOf('w2'), 'lead');
    assert.equal(store.handoffs.parentOf('lead'), undefined);
    assert.equal(store.handoffs.links().length, 3);
    await store.close();
  });

  it('has on disk what was written before synced() settles', async () => {
    const store = await open();
    store.mutate(() => store.sessions.insert(makeSession()));
    await store.synced();
    const sql = await initSqlJs({ locateFile: () => wasmFile });
    const db = new sql.Database(await fs.readFile(file));
    assert.deepEqual(db.exec('SELECT id FROM sessions')[0]?.values, [['aaaa1111']]);
    db.close();
    await store.close();
    assert.equal((await fs.stat(file)).mode & 0o777, 0o600);
  });

  it('keeps writes in memory when a save fails, says so, and saves them with the next one', async () => {
    const real = new ImageFile(file, async () => true);
    let isFull = false;
    const store = await open({
      load: () => real.load(),
      save: async (image) => {
        if (isFull) throw new StorageError('not-writable', file, new Error('ENOSPC'));
        await real.save(image);
      },
    });
    const failures: Error[] = [];
    store.onDidFailToSave((error) => failures.push(error));
    isFull = true;
    store.mutate(() => store.sessions.insert(makeSession()));
    await assert.rejects(store.synced(), /ENOSPC/);
    assert.ok(failures.length > 0);
    isFull = false;
    store.mutate(() => store.sessions.insert(makeSession({ id: 'bbbb2222' })));
    await store.close();
    const again = await open();
    assert.equal(again.sessions.list().length, 2);
    await again.close();
  });

  it('names the file of a damaged database and leaves it as it is', async () => {
    await fs.writeFile(file, 'this is no database, whatever it says');
    await assert.rejects(open(), (error: unknown) => {
      assert.ok(error instanceof StorageError);
      assert.equal(error.reason, 'damaged');
      assert.ok(error.message.includes(file));
      return true;
    });
    assert.equal(await fs.readFile(file, 'utf8'), 'this is no database, whatever it says');
  });

  it('refuses the database of a newer version', async () => {
    const sql = await initSqlJs({ locateFile: () => wasmFile });
    const db = new sql.Database();
    db.exec('PRAGMA user_version = 9999');
    await fs.writeFile(file, db.export());
    db.close();
    await assert.rejects(open(), { reason: 'newer-version' });
  });

  it('names the folder that cannot be written', async () => {
    const blocked = path.join(folder, 'file');
    await fs.writeFile(blocked, '');
    file = path.join(blocked, 'deputy.db');
    await assert.rejects(open(), (error: unknown) => {
      assert.ok(error instanceof StorageError);
      assert.ok(error.message.includes(file));
      return true;
    });
  });

  it('names the session and the column of a row that it cannot understand', async () => {
    const store = await open();
    store.mutate(() => store.sessions.insert(makeSession()));
    await store.close();
    const sql = await initSqlJs({ locateFile: () => wasmFile });
    const db = new sql.Database(await fs.readFile(file));
    db.exec("UPDATE sessions SET state = 'dreaming'");
    await fs.writeFile(file, db.export());
    db.close();
    const again = await open();
    assert.throws(() => again.sessions.list(), /aaaa1111 has an unknown state .*dreaming/);
    await again.close();
  });
});
