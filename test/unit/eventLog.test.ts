import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { readEvents } from '../../src/agents/eventFile';
import type { SessionEvent } from '../../src/domain/events';
import { EventLog } from '../../src/runner/eventLog';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

describe('EventLog', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await makeTempFolder();
    file = path.join(folder, 'events.ndjson');
  });
  afterEach(() => removeTempFolder(folder));

  const read = async (fromSeq?: number): Promise<SessionEvent[]> => {
    const events: SessionEvent[] = [];
    for await (const event of readEvents(folder, fromSeq)) events.push(event);
    return events;
  };
  const summary = (events: SessionEvent[]): unknown[] =>
    events.map((event) => [event.seq, event.type, 'text' in event ? event.text : '']);

  it('has no events where there is no file', async () => {
    assert.deepEqual(await read(), []);
  });

  it('numbers events from 1 and merges text that comes in one go', async () => {
    const log = await EventLog.open(folder);
    for (const text of ['a', 'b']) log.append({ type: 'text', text });
    log.append({ type: 'thought', text: 'c' });
    log.append({ type: 'stderr', text: 'd' });
    log.append({ type: 'stderr', text: 'e' });
    log.append({ type: 'text', text: 'f' });
    await log.flush();
    log.append({ type: 'text', text: 'g' });
    await log.flush();
    await log.close();
    const expected = [
      [1, 'text', 'ab'],
      [2, 'thought', 'c'],
      [3, 'stderr', 'd'],
      [4, 'stderr', 'e'],
      [5, 'text', 'f'],
      [6, 'text', 'g'],
    ];
    assert.deepEqual(summary(await read()), expected);
    assert.deepEqual(summary(await read(5)), expected.slice(4));
  });

  it('tells about events only when they are in the file', async () => {
    const log = await EventLog.open(folder);
    const seen: number[] = [];
    log.onDidWrite(() => seen.push(log.writtenSeq));
    log.append({ type: 'stderr', text: 'x' });
    assert.equal(log.writtenSeq, 0);
    await log.flush();
    assert.deepEqual(seen, [1]);
    assert.match(await fs.readFile(file, 'utf8'), /^.*"text":"x".*\n$/);
    await log.close();
  });

  for (const torn of [
    '',
    '{"seq":3,"at"',
    '\0\0\0\0',
    '{"seq":3,"at":1,"type":"text","text":"x"}',
  ]) {
    it(`continues after the last complete line; what follows it: ${JSON.stringify(torn)}`, async () => {
      const before = await EventLog.open(folder);
      before.append({ type: 'turn-started', commandId: 'one', prompt: '"turn-started"\n' });
      before.append({ type: 'text', text: 'ü' });
      await before.flush();
      await before.close();
      await fs.appendFile(file, torn);
      assert.equal((await read()).length, 2);
      const log = await EventLog.open(folder);
      assert.deepEqual([...log.commandIds], ['one']);
      assert.equal(log.writtenSeq, 2);
      log.append({ type: 'text', text: 'next' });
      await log.flush();
      await log.close();
      assert.deepEqual(summary(await read()).at(-1), [3, 'text', 'next']);
    });
  }

  it('does not append to a file that holds something else', async () => {
    await fs.writeFile(file, 'shopping list\n');
    await assert.rejects(EventLog.open(folder), /no event/);
    assert.equal(await fs.readFile(file, 'utf8'), 'shopping list\n');
  });

  it('makes durable what others rely on, with one sync for all who wait', async () => {
    const log = await EventLog.open(folder);
    await log.sync();
    const syncs = await countSyncs(folder, async () => {
      for (let i = 0; i < 50; i++) log.append({ type: 'stderr', text: 'output' });
      await log.flush();
    });
    assert.equal(syncs, 0);
    const grouped = await countSyncs(folder, async () => {
      const records = ['a', 'b', 'c', 'd'].map((commandId) =>
        log.record({ type: 'turn-started', commandId, prompt: 'x' }),
      );
      await Promise.all([...records, log.sync(), log.sync()]);
    });
    assert.ok(grouped >= 1 && grouped <= 2, `${grouped} syncs`);
    const unasked = await countSyncs(folder, async () => {
      log.append({
        type: 'conversation',
        conversationId: 'c',
        isContinued: false,
        canContinue: false,
      });
      await log.flush();
      await log.close();
    });
    assert.equal(unasked, 1);
  });

  it('takes events while it syncs', async () => {
    const log = await EventLog.open(folder);
    const synced = log.record({ type: 'turn-started', commandId: 'a', prompt: 'x' });
    let isSynced = false;
    void synced.then(() => (isSynced = true));
    for (let i = 2; !isSynced; i++) {
      log.append({ type: 'stderr', text: String(i) });
      await log.flush();
      assert.equal(log.writtenSeq, i);
    }
    await log.close();
  });

  it('tells everyone who waits when it cannot write, and lets nobody wait any more', async () => {
    const log = await EventLog.open(folder);
    await log.close();
    let fired = 0;
    log.onDidWrite(() => (fired += 1));
    log.append({ type: 'stderr', text: 'x'.repeat(5_000_000) });
    await Promise.all([assert.rejects(log.flush()), log.whenRoom()]);
    assert.ok(log.failed);
    assert.equal(fired, 1);
    log.append({ type: 'stderr', text: 'dropped' });
    await assert.rejects(log.flush());
    await log.whenRoom();
    await assert.rejects(log.end({ type: 'stderr', text: 'x' }));
  });
});

/** How often files are synced while `act` runs. */
async function countSyncs(folder: string, act: () => Promise<void>): Promise<number> {
  const handle = await fs.open(path.join(folder, 'other'), 'w');
  const prototype = Object.getPrototypeOf(handle) as fs.FileHandle;
  await handle.close();
  const original = Object.getOwnPropertyDescriptor(prototype, 'datasync');
  assert.ok(original);
  let count = 0;
  const { value } = original as { value: (this: fs.FileHandle) => Promise<void> };
  const counting = function (this: fs.FileHandle): Promise<void> {
    count += 1;
    return value.call(this);
  };
  Object.defineProperty(prototype, 'datasync', { ...original, value: counting });
  try {
    await act();
  } finally {
    Object.defineProperty(prototype, 'datasync', original);
  }
  return count;
}
