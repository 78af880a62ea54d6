import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import initSqlJs from 'sql.js';
import { StorageError } from '../../src/domain/storageErrors';
import type { DurableStore } from '../../src/store/durableStore';
import {
  journalName,
  snapshotGenerations,
  journalGenerations,
} from '../../src/store/journalFormat';
import { makeSession } from '../support/sessions';
import { makeHandoff, openStore, STORE_PROGRAMS } from '../support/stores';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

describe('DurableStore', () => {
  let root: string;
  let folder: string;
  const opened: DurableStore[] = [];

  const open = async (options: Parameters<typeof openStore>[1] = {}): Promise<DurableStore> => {
    const store = await openStore(folder, options);
    opened.push(store);
    return store;
  };
  const ids = (store: DurableStore): string[] =>
    store.sessions
      .list()
      .map(({ id }) => id)
      .sort();
  const add = (store: DurableStore, id: string): void =>
    store.mutate(() => store.sessions.insert(makeSession({ id })));

  beforeEach(async () => {
    root = await makeTempFolder();
    folder = path.join(root, 'home');
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await removeTempFolder(root);
  });
  /** Lets a store go; `afterEach` then leaves it alone. */
  const close = async (store: DurableStore): Promise<void> => {
    opened.splice(opened.indexOf(store), 1);
    await store.close();
  };

  describe('the tables', () => {
    it('give back every field of a session after it was closed and opened again', async () => {
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
        canContinue: true,
        totals: { tokens: 7, costUsd: undefined },
        ending: 'timed-out',
        requests: [
          {
            requestId: 'r',
            title: 'Run',
            kind: 'execute',
            locations: ['/repo/a'],
            input: 'make',
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
      const { metrics } = full;
      const bare = makeSession({ id: 'bbbb2222', metrics: { ...metrics, costUsd: undefined } });
      const free = makeSession({ id: 'cccc3333', metrics: { ...metrics, costUsd: 0 } });
      const first = await open();
      first.mutate(() => {
        first.sessions.insert(full);
        first.sessions.insert(bare);
        first.sessions.insert(free);
      });
      await close(first);
      const second = await open();
      assert.deepEqual(second.sessions.get(full.id), full);
      assert.deepEqual(second.sessions.get(bare.id), bare);
      assert.deepEqual(second.sessions.get(free.id), free);
    });

    it('count unread messages, and lineage comes from handoffs', async () => {
      const store = await open();
      const handoff = makeHandoff({ reason: 'spawned', deadline: 5, originId: 1, attempts: 2 });
      store.mutate(() => {
        for (const to of ['w1', 'w2', 'w1']) {
          const message = {
            from: 'lead',
            to,
            type: 'task_handoff',
            content: '{}',
            timestamp: 1,
          } as const;
          store.handoffs.insert({ ...handoff, to, id: store.messages.insert(message) });
        }
      });
      assert.deepEqual([...store.messages.unreadCounts()].sort(), [
        ['w1', 2],
        ['w2', 1],
      ]);
      assert.deepEqual([...store.handoffs.queuedCounts('self')].sort(), [
        ['w1', 2],
        ['w2', 1],
      ]);
      assert.equal(store.handoffs.queuedCounts('team').size, 0);
      assert.deepEqual(store.handoffs.childrenOf('lead', 5), ['w1', 'w2']);
      assert.deepEqual(store.handoffs.childrenOf('lead', 1), ['w1']);
      assert.equal(store.handoffs.parentOf('w2'), 'lead');
      assert.equal(store.handoffs.parentOf('lead'), undefined);
      assert.equal(store.handoffs.links().length, 3);
      assert.deepEqual(store.handoffs.get(2), { ...handoff, to: 'w2', id: 2 });
    });

    it('keep turns, tool calls, what needs a person, activity and single facts', async () => {
      const store = await open();
      const turn = {
        sessionId: 's',
        commandId: 'c',
        handoffId: undefined,
        startedAt: 1,
        endedAt: undefined,
        stopReason: undefined,
        tokens: undefined,
        costUsd: undefined,
      };
      const tool = {
        sessionId: 's',
        toolName: 'bash',
        inputSummary: 'ls',
        outputSummary: 'a',
        durationMs: 3,
        riskScore: 0.25,
        timestamp: 4,
      };
      const item = { sessionId: 's', kind: 'failed', text: 'look', createdAt: 1 };
      store.mutate(() => {
        store.turns.put(turn);
        store.turns.put({ ...turn, endedAt: 2, stopReason: 'end_turn', tokens: 7, costUsd: 0.5 });
        for (let i = 0; i < 3; i++) store.toolLog.insert({ ...tool, timestamp: i });
        store.attention.settle(store.attention.insert(item), 9);
        store.attention.insert({ ...item, text: 'still' });
        store.activity.insert({ at: 1, kind: 'dispatch', detail: '2 leads' });
        store.meta.set('k', 'v');
        store.meta.set('k', 'w');
      });
      assert.deepEqual(store.turns.list('s'), [
        { ...turn, endedAt: 2, stopReason: 'end_turn', tokens: 7, costUsd: 0.5 },
      ]);
      assert.deepEqual(
        store.toolLog.page('s', 1, 2).map(({ timestamp }) => timestamp),
        [2, 1],
      );
      assert.deepEqual(store.toolLog.page('s', 2, 2), [{ ...tool, id: 1, timestamp: 0 }]);
      assert.deepEqual(
        store.attention.open().map(({ text }) => text),
        ['still'],
      );
      assert.deepEqual(store.activity.latest(5), [{ at: 1, kind: 'dispatch', detail: '2 leads' }]);
      assert.equal(store.meta.get('k'), 'w');
      assert.equal(store.meta.get('other'), undefined);
    });

    it('name the row and the column of a value that this release does not know', async () => {
      const store = await open();
      store.mutate(() => store.sessions.insert(makeSession({ state: 'dreaming' as 'idle' })));
      assert.throws(() => store.sessions.list(), /aaaa1111 has an unknown state .*dreaming/);
    });
  });

  describe('a transaction', () => {
    it('counts as a whole or, when it throws, not at all', async () => {
      const store = await open();
      const seen: string[][] = [];
      store.onDidChange((changed) => seen.push([...changed]));
      assert.throws(
        () =>
          store.mutate(() => {
            store.sessions.insert(makeSession());
            throw new Error('half-way');
          }),
        /half-way/,
      );
      assert.deepEqual(ids(store), []);
      add(store, 'aaaa1111');
      assert.deepEqual(seen, [['aaaa1111']]);
      await close(store);
      assert.deepEqual(ids(await open()), ['aaaa1111']);
    });

    it('is needed for every write', async () => {
      const store = await open();
      assert.throws(() => store.sessions.insert(makeSession()), /transaction/);
    });

    it('is refused after the store was closed, which may be done twice', async () => {
      const store = await open();
      await Promise.all([close(store), store.close()]);
      await store.close();
      assert.throws(() => add(store, 'aaaa1111'));
    });

    it('is there for the next process without anything having been closed', async () => {
      const store = await open();
      add(store, 'aaaa1111');
      assert.deepEqual(ids(await open()), ['aaaa1111']);
    });

    it('refuses values and functions that a replay could not repeat', async () => {
      const store = await open();
      const bad = makeSession({ createdAt: NaN });
      assert.throws(() => store.mutate(() => store.sessions.insert(bad)));
      assert.deepEqual(ids(store), []);
      add(store, 'aaaa1111');
      await close(store);
      assert.deepEqual(ids(await open()), ['aaaa1111']);
    });
  });

  describe('the fence', () => {
    it('stops an owner that was taken over from, without a word lost', async () => {
      const first = await open();
      add(first, 'aaaa0001');
      const losses: StorageError[] = [];
      first.onDidLoseOwnership((error) => losses.push(error));
      const second = await open();
      assert.throws(() => add(first, 'aaaa0002'), { reason: 'lost-ownership' });
      assert.throws(() => add(first, 'aaaa0003'), { reason: 'lost-ownership' });
      assert.deepEqual(ids(first), ['aaaa0001']);
      assert.equal(losses.length, 1);
      add(second, 'aaaa0004');
      await close(second);
      assert.deepEqual(ids(await open()), ['aaaa0001', 'aaaa0004']);
    });

    it('is noticed without a write, too', async () => {
      const first = await open();
      first.checkOwnership();
      await open();
      assert.throws(() => first.checkOwnership(), { reason: 'lost-ownership' });
    });
  });

  describe('snapshots', () => {
    it('are made by a worker while writes go on, and what they cover is removed', async () => {
      const store = await open({ checkpointBytes: 20_000 });
      for (let i = 0; i < 300; i++) {
        add(store, `id${String(i).padStart(6, '0')}`);
        if (i % 50 === 49) await store.makeSnapshot();
      }
      const names = await fs.readdir(folder);
      assert.equal(snapshotGenerations(names).length, 2);
      assert.ok(journalGenerations(names).length <= 3, names.join(' '));
      await close(store);
      assert.equal(ids(await open()).length, 300);
    });

    it('are plain SQLite files that any tool opens', async () => {
      const store = await open();
      add(store, 'aaaa1111');
      await store.makeSnapshot();
      const target = path.join(root, 'export.sqlite');
      add(store, 'bbbb2222');
      await store.exportTo(target);
      const sql = await initSqlJs({ locateFile: () => STORE_PROGRAMS.wasmFile });
      const db = new sql.Database(await fs.readFile(target));
      assert.deepEqual(db.exec('SELECT id FROM sessions ORDER BY id')[0]?.values, [
        ['aaaa1111'],
        ['bbbb2222'],
      ]);
      db.close();
    });

    it('are made at opening when the journal has become far too long', async () => {
      const store = await open({ checkpointBytes: 1_000_000 });
      for (let i = 0; i < 100; i++) add(store, `id${String(i).padStart(6, '0')}`);
      await close(store);
      const again = await open({ checkpointBytes: 1_000 });
      assert.equal(snapshotGenerations(await fs.readdir(folder)).length, 1);
      assert.equal(ids(again).length, 100);
    });

    it('can be damaged once: the one before is used, and nothing is lost', async () => {
      const store = await open();
      for (let i = 0; i < 3; i++) {
        add(store, `id00000${i}`);
        await store.makeSnapshot();
      }
      await close(store);
      const newest = snapshotGenerations(await fs.readdir(folder)).at(-1) ?? 0;
      const file = path.join(folder, `snap-${newest.toString(16).padStart(12, '0')}.db`);
      const bytes = await fs.readFile(file);
      bytes[100] = (bytes[100] ?? 0) ^ 4;
      await fs.writeFile(file, bytes);
      assert.equal(ids(await open()).length, 3);
    });
  });

  describe('bad input', () => {
    it('leaves out a write that was cut off, says so, and keeps the file as it is', async () => {
      const store = await open();
      add(store, 'aaaa1111');
      const size = (await fs.stat(path.join(folder, journalName(1)))).size;
      add(store, 'bbbb2222');
      await close(store);
      await fs.truncate(path.join(folder, journalName(1)), size + 30);
      const again = await open();
      assert.deepEqual(ids(again), ['aaaa1111']);
      assert.deepEqual(again.tornTail, {
        file: path.join(folder, journalName(1)),
        offset: size,
        bytes: 30,
      });
      assert.equal((await fs.stat(path.join(folder, journalName(1)))).size, size + 30);
    });

    it('names a journal that is damaged in the middle, and changes nothing', async () => {
      const store = await open();
      for (let i = 0; i < 5; i++) add(store, `id00000${i}`);
      await close(store);
      const file = path.join(folder, journalName(1));
      const bytes = await fs.readFile(file);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      await fs.writeFile(file, bytes);
      await assert.rejects(open(), (error: unknown) => {
        assert.ok(error instanceof StorageError);
        assert.equal(error.reason, 'damaged');
        assert.ok(error.message.includes(file));
        return true;
      });
      assert.deepEqual(await fs.readFile(file), bytes);
    });

    it('names a journal that is missing', async () => {
      const store = await open();
      add(store, 'aaaa1111');
      await close(store);
      const second = await open();
      add(second, 'bbbb2222');
      await close(second);
      await fs.rm(path.join(folder, journalName(1)));
      await assert.rejects(open(), { reason: 'damaged' });
    });

    it('names the last journal when that one is missing, and at every try', async () => {
      for (const id of ['aaaa1111', 'bbbb2222']) {
        const store = await open();
        add(store, id);
        await close(store);
      }
      await fs.rm(path.join(folder, journalName(2)));
      for (let i = 0; i < 3; i++) {
        await assert.rejects(open(), (error: unknown) => {
          assert.ok(error instanceof StorageError);
          assert.equal(error.reason, 'damaged');
          assert.ok(error.message.includes(journalName(2)));
          return true;
        });
      }
    });

    it('does not take a folder whose journals are all gone for a new one', async () => {
      const store = await open();
      add(store, 'aaaa1111');
      await close(store);
      await fs.rm(path.join(folder, journalName(1)));
      await assert.rejects(open(), { reason: 'damaged' });
    });

    it('refuses the state of a newer release', async () => {
      const store = await open();
      store.mutate(() => store.sessions.insert(makeSession()));
      store['statements'].record();
      store.mutate(() => store['statements'].run('PRAGMA user_version = 9999'));
      await close(store);
      await assert.rejects(open(), { reason: 'newer-version' });
    });

    it('names a folder that cannot be written', async () => {
      await fs.writeFile(folder, '');
      await assert.rejects(open(), (error: unknown) => {
        assert.ok(error instanceof StorageError);
        assert.equal(error.reason, 'not-writable');
        assert.ok(error.message.includes(folder));
        return true;
      });
    });
  });
});
