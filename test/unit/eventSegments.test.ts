import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import { readEvents, readTail } from '../../src/agents/eventFile';
import { deferred, type Deferred } from '../../src/base/async';
import { EventLog, type EventLogOptions } from '../../src/runner/eventLog';
import { Subscription } from '../../src/runner/subscription';
import {
  appendEach,
  assertNumbered,
  eventFilesOf,
  eventsIn,
  line,
  parseMessages,
  seqs,
  subscribed,
} from '../support/eventFolders';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

/** Files of two events each: the third finds its file full. */
const SMALL: EventLogOptions = { segmentBytes: 300 };
const sealed = (firstSeq: number): string => `events-${String(firstSeq).padStart(12, '0')}.ndjson`;

describe('Segments of an event log', () => {
  let folder: string;
  const logs: EventLog[] = [];

  beforeEach(async () => {
    folder = await makeTempFolder();
  });
  afterEach(async () => {
    for (const log of logs.splice(0)) await log.close();
    await removeTempFolder(folder);
  });

  const open = async (options: EventLogOptions = SMALL): Promise<EventLog> => {
    const log = await EventLog.open(folder, options);
    logs.push(log);
    return log;
  };
  const close = async (log: EventLog): Promise<void> => {
    logs.splice(logs.indexOf(log), 1);
    await log.close();
  };
  const add = (log: EventLog, count: number): Promise<void> =>
    appendEach(
      log,
      new Array<null>(count).fill(null).map((_, i) => line(`e${i}`, 150)),
    );
  /** Leaves events 1 to `count` behind. */
  const fill = async (count: number): Promise<void> => {
    const log = await open();
    await add(log, count);
    await close(log);
  };
  const file = (name: string): string => path.join(folder, name);

  it('are sealed when they are full, and read as one', async () => {
    const log = await open();
    await add(log, 2);
    assert.deepEqual(await eventFilesOf(folder), ['events.ndjson']);
    await add(log, 5);
    assert.deepEqual(await eventFilesOf(folder), [
      sealed(1),
      sealed(3),
      sealed(5),
      'events.ndjson',
    ]);
    for (let fromSeq = 1; fromSeq <= 8; fromSeq++) {
      assertNumbered(await eventsIn(folder, fromSeq), fromSeq, 7);
      assert.deepEqual(await subscribed(log, fromSeq), await eventsIn(folder, fromSeq));
    }
    if (process.platform !== 'win32') {
      for (const name of await eventFilesOf(folder)) {
        assert.equal((await fs.stat(file(name))).mode & 0o777, 0o600, name);
      }
    }
  });

  it('hold whole batches, however large', async () => {
    const log = await open();
    for (let i = 0; i < 20; i++) log.append(line('x', 150));
    await log.flush();
    assert.deepEqual(await eventFilesOf(folder), ['events.ndjson']);
    log.append(line('x'));
    await log.flush();
    assert.deepEqual(await eventFilesOf(folder), [sealed(1), 'events.ndjson']);
    assertNumbered(await eventsIn(folder), 1, 21);
  });

  it('go only when they were applied, oldest first, and when there is too much', async () => {
    const log = await open({ ...SMALL, keepBytes: 1_300 });
    await add(log, 10);
    assert.equal((await eventFilesOf(folder)).length, 5);
    await log.acknowledge(3);
    assertNumbered(await eventsIn(folder), 3, 10);
    await log.acknowledge(2);
    await log.acknowledge(10);
    const names = await eventFilesOf(folder);
    assert.deepEqual(names, [sealed(5), sealed(7), 'events.ndjson']);
    await add(log, 2);
    await log.acknowledge(10);
    assertNumbered(await eventsIn(folder), 7, 12);
    assert.deepEqual(seqs(await subscribed(log, 1)), seqs(await eventsIn(folder)));
    assert.deepEqual(seqs(await eventsIn(folder, 2)), [7, 8, 9, 10, 11, 12]);
  });

  it('stay as a long tail as long as there is room, and the last sealed one always', async () => {
    const log = await open();
    await add(log, 10);
    await log.acknowledge(10);
    assertNumbered(await eventsIn(folder), 1, 10);
    await close(log);
    await open({ ...SMALL, keepBytes: 0, appliedSeq: 10 });
    assertNumbered(await eventsIn(folder), 7, 10);
  });

  const states: Record<string, () => Promise<unknown>> = {
    'before the full one is renamed': () => Promise.resolve(),
    'when it is renamed': () => fs.rename(file('events.ndjson'), file(sealed(5))),
    'when the next one is made': async () => {
      await fs.rename(file('events.ndjson'), file(sealed(5)));
      await fs.writeFile(file('events.ndjson'), '');
    },
    'within the first line of the next one': async () => {
      await fs.rename(file('events.ndjson'), file(sealed(5)));
      await fs.writeFile(file('events.ndjson'), '{"seq":7,"at":1');
    },
    'within a line of the full one': () =>
      fs.appendFile(
        file('events.ndjson'),
        `{"seq":7,"at":1,"type":"text","text":"${'x'.repeat(500)}`,
      ),
  };
  for (const [when, makeState] of Object.entries(states)) {
    for (const appliedSeq of [0, 3, 6]) {
      it(`survive a crash ${when}; applied: ${appliedSeq}`, async () => {
        await fill(6);
        await makeState();
        assertNumbered(await eventsIn(folder), 1, 6);
        const log = await open({ ...SMALL, appliedSeq });
        assert.equal(log.writtenSeq, 6);
        assertNumbered(await eventsIn(folder), 1, 6);
        await add(log, 4);
        assertNumbered(await eventsIn(folder), 1, 10);
        assertNumbered(await subscribed(log, 4), 4, 10);
      });
    }
  }

  it('go on after what was applied, even when a power cut took it', async () => {
    for (const lost of [4, 1]) {
      await fill(lost);
      const log = await open({ ...SMALL, appliedSeq: 9 });
      assert.equal(log.writtenSeq, 9);
      await add(log, 1);
      assert.deepEqual(seqs(await eventsIn(folder, 10)), [10]);
      assert.deepEqual(seqs(await subscribed(log, 10)), [10]);
      assert.deepEqual(seqs(await subscribed(log, 6)), [10]);
      await close(log);
      await removeTempFolder(folder);
      await fs.mkdir(folder);
    }
  });

  it('are searched for commands only where the host may not know of them', async () => {
    const before = await open();
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await before.record({ type: 'turn-started', commandId: id, prompt: 'p'.repeat(300) });
    }
    await close(before);
    // What is not read may even be damaged.
    await fs.writeFile(file(sealed(1)), 'damaged\n');
    const log = await open({ ...SMALL, appliedSeq: 2 });
    assert.deepEqual([...log.commandIds].sort(), ['c', 'd', 'e']);
    await assert.rejects(EventLog.open(folder, SMALL), /no event/);
  });

  it('can be deleted under a subscriber, which goes on with what is left', async () => {
    const log = await open({ ...SMALL, keepBytes: 0 });
    await add(log, 8);
    const chunks: Buffer[] = [];
    const isReading: Deferred<void> = deferred();
    const goOn: Deferred<void> = deferred();
    const subscription = new Subscription(log, 1, async (bytes) => {
      chunks.push(bytes);
      isReading.resolve();
      await goOn.promise;
    });
    const done = subscription.run();
    await isReading.promise;
    await log.acknowledge(8);
    assert.deepEqual(await eventFilesOf(folder), [sealed(5), 'events.ndjson']);
    await add(log, 3);
    goOn.resolve();
    subscription.end();
    await done;
    const seen = seqs(parseMessages(chunks));
    assert.deepEqual(seen, [1, 2, 9, 10, 11]);
  });

  it('can be sealed and deleted under a reader', async () => {
    const log = await open({ ...SMALL, keepBytes: 0 });
    await add(log, 3);
    const seen: number[] = [];
    for await (const { seq } of readEvents(folder)) {
      seen.push(seq);
      if (log.writtenSeq < 40) await add(log, 3);
      if (seq === 10) await log.acknowledge(20);
    }
    assert.equal(seen.at(-1), log.writtenSeq);
    assert.deepEqual(
      seen.filter((seq) => seq > 20),
      Array.from({ length: log.writtenSeq - 20 }, (_, i) => 21 + i),
    );
    assert.deepEqual(
      seen,
      [...new Set(seen)].sort((a, b) => a - b),
    );
  });

  it('have a tail that can be read without the rest', async () => {
    assert.deepEqual(await readTail(folder, 1_000), { events: [], isCut: false });
    await fill(9);
    const { size } = await fs.stat(file(sealed(1)));
    const tail = async (bytes: number): Promise<unknown> => {
      const { events, isCut } = await readTail(folder, bytes);
      assert.equal(events.at(-1)?.seq, 9);
      return [events[0]?.seq, isCut];
    };
    assert.deepEqual(await tail(1), [9, true]);
    assert.deepEqual(await tail(size), [8, true]);
    assert.deepEqual(await tail(size * 3), [4, true]);
    assert.deepEqual(await tail(size * 5), [1, false]);
    await fs.appendFile(file('events.ndjson'), '{"seq":10,"to');
    assert.deepEqual(await tail(size * 3), [4, true]);
    const bytes = await fs.readFile(file(sealed(5)));
    await fs.writeFile(file(`${sealed(5)}.gz`), gzipSync(bytes));
    await fs.rm(file(sealed(5)));
    assert.deepEqual(await tail(size * 2), [6, true]);
    await fs.rm(file(sealed(1)));
    assert.deepEqual(await tail(size * 9), [3, true]);
  });

  it('are read from archives, old ones as well, and only once when both are there', async () => {
    await fill(5);
    for (const name of [sealed(1), sealed(3)]) {
      await fs.writeFile(file(`${name}.gz`), gzipSync(await fs.readFile(file(name))));
    }
    await fs.writeFile(file(`${sealed(3)}.gz.tmp`), 'half');
    assertNumbered(await eventsIn(folder), 1, 5);
    await fs.rm(file(sealed(1)));
    assertNumbered(await eventsIn(folder, 2), 2, 5);
    await fs.rename(file(`${sealed(1)}.gz`), file('events.ndjson.gz'));
    assertNumbered(await eventsIn(folder), 1, 5);
    await fs.rm(file('events.ndjson'));
    const log = await open();
    assert.equal(log.writtenSeq, 4);
    await add(log, 2);
    assertNumbered(await eventsIn(folder), 1, 6);
    assertNumbered(await subscribed(log, 1), 3, 6);
  });
});
