import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import type { EventBody } from '../../src/domain/events';
import { DiskFullError } from '../../src/runner/diskSpace';
import { EventLog, type EventLogOptions } from '../../src/runner/eventLog';
import { assertNumbered, eventsIn, line } from '../support/eventFolders';
import { FullDisk } from '../support/fullDisk';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

const EXIT: EventBody = {
  type: 'exit',
  reason: 'stopped',
  code: undefined,
  signal: undefined,
  detail: undefined,
};
const turn = (commandId: string): EventBody => ({ type: 'turn-started', commandId, prompt: 'x' });

describe('An event log without room', () => {
  let folder: string;
  let disk: FullDisk | undefined;
  let log: EventLog | undefined;

  beforeEach(async () => {
    folder = await makeTempFolder();
  });
  afterEach(async () => {
    await log?.close();
    log = undefined;
    disk?.dispose();
    await removeTempFolder(folder);
  });

  /** With one event. */
  const open = async (options: EventLogOptions = {}, code?: string): Promise<EventLog> => {
    disk = await FullDisk.make(folder, code);
    log = await EventLog.open(folder, { segmentBytes: 500, ...options });
    log.append(line('first'));
    await log.flush();
    return log;
  };
  /** The disk is full, and the log has found out with the event 'held'. */
  const fill = async (current: EventLog): Promise<FullDisk> => {
    assert.ok(disk);
    disk.isFull = true;
    current.append(line('held'));
    // Recording is refused from then on.
    await assert.rejects(current.record(turn('refused')), DiskFullError);
    return disk;
  };

  it('holds back what comes, and whoever brings it, until there is room', async () => {
    const current = await open();
    const full = await fill(current);
    for (let i = 0; i < 100; i++) current.append(line(String(i)));
    let hasRoom = false;
    const room = current.whenRoom().then(() => (hasRoom = true));
    const flushed = current.flush();
    await full.nextRefusal();
    assert.ok(!hasRoom);
    assert.equal(current.failed, undefined);
    // What is there can be read, and nothing torn.
    assertNumbered(await eventsIn(folder), 1, 1);
    full.isFull = false;
    await Promise.all([flushed, room]);
    const events = await eventsIn(folder);
    assertNumbered(events, 1, 102);
    assert.deepEqual(
      events.slice(2).map((event) => 'text' in event && event.text),
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
    await current.record(turn('taken'));
    assertNumbered(await eventsIn(folder), 1, 103);
  });

  it('refuses what can be refused, without harm to a log that has nothing else to write', async () => {
    const current = await open({ maxFullMs: 0 });
    assert.ok(disk);
    disk.isFull = true;
    const refused = [current.record(turn('a')), current.record(turn('b'))];
    for (const record of refused) {
      await assert.rejects(record, (error) => {
        return error instanceof DiskFullError && error.message.includes(folder);
      });
    }
    assert.equal(current.failed, undefined);
    await current.whenRoom();
    disk.isFull = false;
    await current.record(turn('c'));
    const events = await eventsIn(folder);
    assertNumbered(events, 1, 2);
    assert.deepEqual([...(await reopen(current)).commandIds], ['c']);
  });

  it('fails in the end, says why, and still records how it ended', async () => {
    const current = await open({ maxFullMs: 250 });
    const full = await fill(current);
    full.hasReserve = true;
    await assert.rejects(current.flush(), (error) => {
      return error instanceof DiskFullError && error.message.includes(folder);
    });
    await current.whenRoom();
    assert.ok(current.failed instanceof DiskFullError);
    assert.equal(await current.end(EXIT), false);
    const events = await eventsIn(folder);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['stderr', 'exit'],
    );
  });

  it('waits no more once the end has come, and writes all of it if it fits', async () => {
    const current = await open();
    const full = await fill(current);
    full.hasReserve = true;
    assert.equal(await current.end(EXIT), true);
    const events = await eventsIn(folder);
    assert.deepEqual(
      events.map((event) => ('text' in event ? event.text : event.type)),
      ['first', 'held', 'exit'],
    );
  });

  it('tells when not even the last event fits', async () => {
    const current = await open();
    await fill(current);
    await assert.rejects(current.end(EXIT), /no space/);
    assertNumbered(await eventsIn(folder), 1, 1);
  });

  it('fails at once when waiting would not help', async () => {
    const current = await open({}, 'EIO');
    assert.ok(disk);
    disk.isFull = true;
    current.append(line('lost'));
    await assert.rejects(current.record(turn('a')), /EIO/);
    assert.match(String(current.failed), /EIO/);
    assert.equal(disk.refusalCount, 1);
  });

  it('leaves no reserve behind', async () => {
    const current = await open();
    await current.close();
    log = undefined;
    assert.deepEqual((await fs.readdir(folder)).sort(), ['events.ndjson', 'other']);
  });

  const reopen = async (current: EventLog): Promise<EventLog> => {
    await current.close();
    log = await EventLog.open(folder);
    return log;
  };
});
