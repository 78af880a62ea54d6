import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { built } from '../../host/paths';
import { assertNumbered, eventFilesOf, eventsIn, seqs } from '../../support/eventFolders';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { Random } from '../store/random';
import { count, digits, report, SEED, TEST_MS } from '../store/settings';

/** Events that the writer has not acknowledged when it acknowledges others; see `logWriter.ts`. */
const UNAPPLIED = 30;

describe('An event log whose writer is killed', function () {
  this.timeout(TEST_MS);
  let folder: string;
  beforeEach(async () => {
    folder = await makeTempFolder();
  });
  afterEach(() => removeTempFolder(folder));

  it('goes on with every event once, whatever instant of a rotation it was killed at', async () => {
    const rounds = count(300, 20);
    const random = new Random(SEED);
    let recorded = 0;
    let applied = 0;
    let unfinished = 0;
    let reads = 0;
    for (let round = 0; round < rounds; round++) {
      const writer = spawn(
        process.execPath,
        [built('fixtures', 'logWriter'), folder, `${applied}`],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const closed = once(writer, 'close');
      const reading = readUntil(closed, () => recorded);
      let linesLeft = 1 + random.below(120);
      // Half of them are killed right when a file comes or gets another name, the rest anywhere.
      let changesLeft = random.chance(0.5) ? 1 + random.below(40) : 0;
      const watcher = watch(folder, (type) => {
        if (type === 'rename' && --changesLeft === 0) writer.kill('SIGKILL');
      });
      for await (const line of readline.createInterface({ input: writer.stdout })) {
        const [word, number, commands] = line.split(' ');
        const seq = Number(number);
        if (word === 'opened') {
          assert.ok(seq >= recorded, `opened at ${seq}, but ${recorded} was recorded`);
          // Of two events, one has a command.
          assert.ok(Number(commands) >= Math.floor((seq - applied) / 2), line);
        } else if (word === 'recorded') recorded = seq;
        else if (word === 'acknowledged') applied = seq;
        linesLeft -= 1;
        if (linesLeft === 0 && changesLeft <= 0) writer.kill('SIGKILL');
      }
      await closed;
      watcher.close();
      reads += await reading;
      const { size } = await fs.stat(path.join(folder, 'events.ndjson')).catch(() => ({ size: 0 }));
      if (size === 0) unfinished += 1;
      await assertWhole(applied, recorded);
    }
    assert.ok((await eventFilesOf(folder)).length < 30, 'what was applied is deleted');
    report(
      `${rounds} kills, ${unfinished} within a rotation: ${digits(recorded)} recorded events, ${digits(reads)} reads beside the writer, lost 0`,
    );
  });

  /** Reads beside a writer, which is ahead of what was read of its words, also with what it has deleted. */
  async function readUntil(closed: Promise<unknown>, recorded: () => number): Promise<number> {
    let hasClosed = false;
    void closed.then(() => (hasClosed = true));
    let reads = 0;
    for (; !hasClosed; reads++) {
      const events = await eventsIn(folder, recorded());
      const last = events.at(-1)?.seq ?? 0;
      // Those before may be deleted while they are read: the writer's host is that far behind.
      const recent = events.filter(({ seq }) => seq > last - UNAPPLIED);
      assertNumbered(recent, recent[0]?.seq ?? 1, last);
      assert.deepEqual(
        seqs(events),
        [...new Set(seqs(events))].sort((a, b) => a - b),
      );
    }
    return reads;
  }

  async function assertWhole(applied: number, recorded: number): Promise<void> {
    const events = await eventsIn(folder, applied + 1);
    const last = events.at(-1)?.seq ?? 0;
    assert.ok(last >= recorded, `${last} is the last one, but ${recorded} was recorded`);
    assertNumbered(events, applied + 1, last);
  }
});
