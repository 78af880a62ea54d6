import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import initSqlJs from 'sql.js';
import { silentLogger } from '../../src/base/log';
import { archiveEvents } from '../../src/agents/eventArchive';
import { readEvents } from '../../src/agents/eventFile';
import type { SessionEvent } from '../../src/domain/events';
import { exportState } from '../../src/store/exportState';
import {
  journalGenerations,
  journalName,
  snapshotGenerations,
  snapshotName,
} from '../../src/store/journalFormat';
import { ReadOnlyState } from '../../src/store/readOnlyState';
import { inspectState, repairState } from '../../src/store/repairState';
import { makeSession } from '../support/sessions';
import { openStore, STORE_PROGRAMS } from '../support/stores';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

describe('the state as files', () => {
  let root: string;
  let home: string;
  const idOf = (i: number): string => `id${String(i).padStart(6, '0')}`;

  beforeEach(async () => {
    root = await makeTempFolder();
    home = path.join(root, 'home');
  });
  afterEach(() => removeTempFolder(root));

  /** A closed store with ten sessions, a snapshot after each third. */
  async function fill(): Promise<void> {
    const store = await openStore(home);
    for (let i = 0; i < 10; i++) {
      store.mutate(() => store.sessions.insert(makeSession({ id: idOf(i) })));
      if (i % 3 === 2) await store.makeSnapshot();
    }
    await store.close();
  }
  const flip = async (name: string, at: number): Promise<void> => {
    const file = path.join(home, name);
    const bytes = await fs.readFile(file);
    const place = at < 0 ? bytes.length + at : at;
    bytes[place] = (bytes[place] ?? 0) ^ 16;
    await fs.writeFile(file, bytes);
  };
  const sessionCount = async (): Promise<number> => {
    const store = await openStore(home);
    const { length } = store.sessions.list();
    await store.close();
    return length;
  };

  describe('exportState', () => {
    it('writes a plain SQLite file and the events, beside a living owner, for the user only', async () => {
      const store = await openStore(home);
      store.mutate(() => store.sessions.insert(makeSession()));
      const session = path.join(home, 'sessions/aaaa1111');
      await fs.mkdir(session, { recursive: true });
      const files = [
        'events-000000000001.ndjson.gz',
        'events-000000000002.ndjson',
        'events.ndjson',
      ];
      for (const name of files) await fs.writeFile(path.join(session, name), '{"seq":1}\n');
      await fs.writeFile(path.join(session, 'events.reserve'), 'x');
      await fs.writeFile(path.join(session, 'launch.json'), '{"controlToken":"secret"}');
      const target = path.join(root, 'out');
      assert.equal(await exportState(home, target, STORE_PROGRAMS), 1);
      const sql = await initSqlJs({ locateFile: () => STORE_PROGRAMS.wasmFile });
      const file = path.join(target, 'deputy.sqlite');
      const db = new sql.Database(await fs.readFile(file));
      assert.deepEqual(db.exec('SELECT id FROM sessions')[0]?.values, [['aaaa1111']]);
      db.close();
      assert.deepEqual(await fs.readdir(path.join(target, 'sessions/aaaa1111')), files);
      await store.close();
      if (process.platform === 'win32') return;
      assert.equal((await fs.stat(file)).mode & 0o777, 0o600);
      assert.equal((await fs.stat(target)).mode & 0o777, 0o700);
    });

    it('names a target that cannot be made', async () => {
      await fill();
      await fs.writeFile(path.join(root, 'file'), '');
      await assert.rejects(exportState(home, path.join(root, 'file/out'), STORE_PROGRAMS), /file/);
    });
  });

  describe('repairState', () => {
    it('opens with what comes before a damaged place, and keeps the files as they were', async () => {
      await fill();
      const names = await fs.readdir(home);
      const last = journalName(journalGenerations(names).at(-1) ?? 0);
      for (const name of snapshotGenerations(names).slice(-1).map(snapshotName))
        await flip(name, -10);
      const middle = journalGenerations(names).at(-2) ?? 0;
      await flip(journalName(middle), 60);
      const before = await fs.readFile(path.join(home, last));
      await assert.rejects(openStore(home), { reason: 'damaged' });
      const findings = await inspectState(home, STORE_PROGRAMS);
      assert.equal(findings.sessions, 6);
      assert.ok(findings.problems.length > 0);
      const kept = await repairState(home, STORE_PROGRAMS);
      assert.deepEqual(await fs.readFile(path.join(kept, last)), before);
      assert.equal(await sessionCount(), 6);
    });

    it('still reads a snapshot that is whole but for its checksum, when there is no other', async () => {
      await fill();
      const names = await fs.readdir(home);
      for (const generation of snapshotGenerations(names)) await flip(snapshotName(generation), 40);
      await assert.rejects(openStore(home), { reason: 'damaged' });
      await repairState(home, STORE_PROGRAMS);
      assert.equal(await sessionCount(), 10);
    });

    it('begins anew when nothing can be read, and the files are kept', async () => {
      await fill();
      for (const name of await fs.readdir(home)) {
        await fs.writeFile(path.join(home, name), 'nothing of it is left, whatever it was before');
      }
      const kept = await repairState(home, STORE_PROGRAMS);
      assert.ok((await fs.readdir(kept)).length > 3);
      assert.equal(await sessionCount(), 0);
    });
  });

  describe('ReadOnlyState', () => {
    it('shows what the owner has, follows it, and changes no file', async () => {
      const store = await openStore(home);
      store.mutate(() => store.sessions.insert(makeSession({ id: idOf(0) })));
      const state = await ReadOnlyState.open(home, STORE_PROGRAMS, silentLogger);
      try {
        assert.deepEqual([...state.overview().sessions.keys()], [idOf(0)]);
        const changed = new Promise<readonly string[]>((resolve) => state.onDidChange(resolve));
        store.mutate(() => store.sessions.insert(makeSession({ id: idOf(1) })));
        assert.ok((await changed).includes(idOf(1)));
        assert.equal(state.overview().sessions.size, 2);
        store.checkOwnership();
      } finally {
        state.dispose();
        await store.close();
      }
    });
  });

  describe('archiveEvents', () => {
    const DAY_MS = 86_400_000;
    const line = (seq: number): string => `{"seq":${seq},"at":1,"type":"text","text":"hello"}\n`;

    it('compresses completed sessions, reads them all the same, and leaves live ones alone', async () => {
      const sessions = path.join(root, 'sessions');
      for (const id of ['done', 'live', 'gone']) {
        await fs.mkdir(path.join(sessions, id), { recursive: true });
        await fs.writeFile(path.join(sessions, id, 'events.ndjson'), line(1) + line(2));
      }
      const known = new Map([
        ['done', makeSession({ state: 'completed' })],
        ['live', makeSession({ state: 'idle' })],
      ]);
      const table = { get: (id: string) => known.get(id) };
      await archiveEvents(sessions, table, DAY_MS, silentLogger);
      assert.deepEqual(await fs.readdir(path.join(sessions, 'done')), [
        'events-000000000001.ndjson.gz',
      ]);
      assert.deepEqual(await fs.readdir(path.join(sessions, 'live')), ['events.ndjson']);
      const events: SessionEvent[] = [];
      for await (const event of readEvents(path.join(sessions, 'done'), 2)) {
        events.push(event);
      }
      assert.deepEqual(
        events.map(({ seq }) => seq),
        [2],
      );
      // Deleted a moment ago: kept. Deleted long ago: removed.
      await fs.access(path.join(sessions, 'gone/events.ndjson'));
      const long = new Date(Date.now() - 2 * DAY_MS);
      await fs.utimes(path.join(sessions, 'gone/events.ndjson'), long, long);
      await fs.utimes(path.join(sessions, 'gone'), long, long);
      await archiveEvents(sessions, table, DAY_MS, silentLogger);
      assert.deepEqual((await fs.readdir(sessions)).sort(), ['done', 'live']);
    });
  });
});
