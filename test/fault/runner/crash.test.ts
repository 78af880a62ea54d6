import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { readEvents } from '../../../src/agents/eventFile';
import { delay } from '../../../src/base/async';
import type { SessionEvent } from '../../../src/domain/events';
import { LAUNCH_FILE, type LaunchData } from '../../../src/domain/runnerProtocol';
import { lastingProcesses } from '../../support/lastingProcesses';
import { openStore } from '../../support/stores';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { Random } from '../random';
import { count, digits, report, SEED, TEST_MS } from '../settings';
import { Host, type HostOptions } from './host';
import { channelFile, faultInEvents, faultInText } from './work';

const SESSIONS = 8;
/** Longest time from a moment to the kill, in milliseconds: a turn takes about one second. */
const SPREAD_MS = 1_200;

/** When a host is killed: so long after it was started, has found the sessions, or has them at work. */
const MOMENTS = ['start', 'adopted', 'working', 'working', 'working'] as const;

describe('The sessions of a host that', function () {
  this.timeout(TEST_MS);
  let root: string;
  let host: Host | undefined;

  beforeEach(async () => {
    root = await makeTempFolder();
    for (const name of ['t', 'work']) await fs.mkdir(path.join(root, name));
  });
  afterEach(async () => {
    await host?.kill();
    const left = await lastingProcesses(await markers());
    await removeTempFolder(root);
    assert.deepEqual(left, [], 'processes are left');
  });

  const sessionsFolder = (): string => path.join(root, 'storage/deputy/sessions');

  const markers = async (): Promise<string[]> => {
    const ids = await fs.readdir(sessionsFolder()).catch(() => []);
    const files = ids.map((id) => path.join(sessionsFolder(), id, LAUNCH_FILE));
    const texts = await Promise.all(files.map((file) => fs.readFile(file, 'utf8')));
    return texts.map((text) => (JSON.parse(text) as LaunchData).marker);
  };

  const start = (more: Partial<HostOptions> = {}): Host => {
    host = Host.start(root, { sessions: SESSIONS, ...more });
    return host;
  };

  /** Has the first host make the sessions. */
  const begin = async (): Promise<void> => {
    await start().untilRunning(SESSIONS);
    assert.deepEqual(host?.troubles, []);
  };

  /** Starts the next host, which must find every session alive. */
  const adopt = async (more: Partial<HostOptions> = {}): Promise<Host> => {
    const next = start(more);
    await next.until(new RegExp(`^adopted ${SESSIONS}$`));
    return next;
  };

  /** Has the last host let everything finish, and end. @returns the ids of the sessions */
  const finish = async (last: Host): Promise<string[]> => {
    last.send('finish');
    await last.until(/^over$/);
    assert.deepEqual(last.troubles, []);
    const ids = await fs.readdir(sessionsFolder());
    assert.equal(ids.length, SESSIONS);
    return ids;
  };

  const end = async (last: Host): Promise<void> => {
    last.send('stop');
    await last.until(/^stopped$/);
    assert.deepEqual(await lastingProcesses(await markers()), [], 'orphans');
    last.send('close');
    assert.equal(await last.ended, null);
  };

  const eventsOf = async (id: string): Promise<SessionEvent[]> => {
    const events: SessionEvent[] = [];
    const folder = path.join(sessionsFolder(), id);
    for await (const event of readEvents(folder)) events.push(event);
    return events;
  };

  /** How many turns the stored state knows of each session; each must have ended well. */
  const storedTurns = async (): Promise<Map<string, number>> => {
    const store = await openStore(path.join(root, 'storage/deputy'));
    try {
      return new Map(
        store.sessions.list().map(({ id, state }) => {
          assert.equal(state, 'stopped');
          const turns = store.turns.list(id);
          for (const turn of turns) assert.equal(turn.stopReason, 'end_turn');
          const handoffs = store.handoffs.links().filter(({ to }) => to === id);
          for (const link of handoffs) assert.equal(store.handoffs.get(link.id)?.state, 'done');
          assert.equal(turns.length, handoffs.length + 1);
          return [id, turns.length];
        }),
      );
    } finally {
      await store.close();
    }
  };

  /** Every line once and in order, in the log and in what the last host has shown. @returns lines */
  const proveOutput = async (ids: readonly string[], turns: Map<string, number>): Promise<void> => {
    for (const id of ids) {
      const expected = turns.get(id) ?? 0;
      assert.equal(faultInEvents(await eventsOf(id), expected), undefined, id);
      const shown = await fs.readFile(channelFile(root, id), 'utf8');
      assert.equal(faultInText(shown, expected), undefined, id);
    }
  };

  const tell = (what: string, turns: Map<string, number>): void => {
    const total = [...turns.values()].reduce((sum, each) => sum + each, 0);
    report(`${what}: ${SESSIONS} sessions, ${digits(total)} turns, each line once, 0 orphans`);
  };

  it('is killed are all found again, and have every turn and every line once and in order', async () => {
    const rounds = count(20, 3);
    await begin();
    let atWork = host?.running ?? 0;
    await host?.kill();
    for (let round = 1; round <= rounds; round++) {
      const random = new Random(SEED, round);
      const moment = round === rounds ? 'working' : random.pick(MOMENTS);
      if (moment === 'start') host = start();
      else await adopt();
      if (moment === 'working') await host?.untilRunning(SESSIONS - 1);
      await delay(random.below(SPREAD_MS));
      atWork += host?.running ?? 0;
      await host?.kill();
      assert.deepEqual(host?.troubles, [], `round ${round}, killed at ${moment}`);
    }
    const last = await adopt();
    const ids = await finish(last);
    await end(last);
    const turns = await storedTurns();
    await proveOutput(ids, turns);
    assert.ok(atWork >= rounds * (SESSIONS / 4), `${atWork} turns were under way at the kills`);
    tell(`kills ${rounds + 1}, ${atWork} turns cut off from their host`, turns);
  });

  it('is killed while it starts them are started once', async () => {
    const trials = count(8, 1);
    let unfinished = 0;
    for (let trial = 1; trial <= trials; trial++) {
      const random = new Random(SEED, 2_000 + trial);
      for (let kill = 1; kill <= 3; kill++) {
        const next = start();
        await next.until(/^adopted/);
        await delay(random.below(400));
        if (next.running < SESSIONS) unfinished++;
        await next.kill();
        assert.deepEqual(next.troubles, [], `trial ${trial}, kill ${kill}`);
      }
      const last = start();
      const ids = await finish(last);
      await end(last);
      const turns = await storedTurns();
      await proveOutput(ids, turns);
      await fs.rm(path.join(root, 'storage'), { recursive: true });
    }
    assert.ok(unfinished >= trials, `${unfinished} kills came before all had begun`);
    report(`kills ${3 * trials}, ${unfinished} before all had begun; each begun once, 0 orphans`);
  });

  it('is reloaded are all found again, and have every turn and every line once and in order', async () => {
    const rounds = count(10, 2);
    await begin();
    for (let round = 1; round <= rounds; round++) {
      const random = new Random(SEED, 1_000 + round);
      const before = host;
      before?.send('close');
      // The next window does not wait for the end of the one before.
      await delay(random.below(100));
      const next = await adopt();
      assert.equal(await before?.ended, null);
      assert.deepEqual(before?.troubles, [], `round ${round}`);
      await next.untilRunning(SESSIONS - 1);
      await delay(random.below(SPREAD_MS / 2));
    }
    const last = host;
    assert.ok(last);
    const ids = await finish(last);
    await end(last);
    const turns = await storedTurns();
    await proveOutput(ids, turns);
    tell(`reloads ${rounds}`, turns);
  });

  it('forgets to begin its channels anew would be found out, as would any line too many or too few', async () => {
    await begin();
    await host?.kill();
    const last = await adopt({ keepsChannels: true });
    const ids = await finish(last);
    await end(last);
    const turns = await storedTurns();
    let isFoundOut = false;
    for (const id of ids) {
      const expected = turns.get(id) ?? 0;
      const shown = await fs.readFile(channelFile(root, id), 'utf8');
      isFoundOut ||= faultInText(shown, expected)?.startsWith('"turn 1" instead of') ?? false;

      const events = await eventsOf(id);
      assert.equal(faultInEvents(events, expected), undefined);
      const text = events.findIndex((event) => event.type === 'text' && /line/.test(event.text));
      const without = [...events.slice(0, text), ...events.slice(text + 1)];
      const doubled = [...events.slice(0, text + 1), ...events.slice(text)];
      for (const wrong of [without, doubled]) {
        assert.match(faultInEvents(wrong, expected) ?? '', /^event \d+ at/);
        const renumbered = wrong.map((event, index) => ({ ...event, seq: index + 1 }));
        assert.match(faultInEvents(renumbered, expected) ?? '', /^"(line|turn) \d+/);
      }
      assert.match(faultInEvents(events, expected + 1) ?? '', /turns begun/);
    }
    assert.ok(isFoundOut, 'what was shown twice');
  });
});
