import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { delay } from '../../../src/base/async';
import { journalGenerations, snapshotGenerations } from '../../../src/store/journalFormat';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { proveState } from './folder';
import { Model } from './model';
import { Random } from '../random';
import { count, digits, report, SEED, TEST_MS } from '../settings';
import { Writer } from './writer';

/** So that a store does not grow until reading it is all that the test does. */
const ROUNDS_PER_FOLDER = 100;
const MAX_ACKNOWLEDGED = 800;
/** So small that many checkpoints are under way. */
const CHECKPOINT_BYTES = 30_000;

/** When a writer is killed: some time after it was started, after an acknowledgement, or after a file has come. */
const MOMENTS = ['start', 'acknowledgement', 'acknowledgement', 'snapshot', 'rotation'] as const;
type Moment = (typeof MOMENTS)[number];

describe('A store whose writer is killed', function () {
  this.timeout(TEST_MS);
  let root: string;
  let writer: Writer | undefined;
  beforeEach(async () => (root = await makeTempFolder()));
  afterEach(async () => {
    await writer?.dispose();
    await removeTempFolder(root);
  });

  it('has every acknowledged transaction once and whole, and at most the one that was under way', async () => {
    const rounds = count(300, 15);
    const seen = { acknowledged: 0, unacknowledged: 0, opening: 0, snapshot: 0, unsnapped: 0 };
    for (let first = 0; first < rounds; first += ROUNDS_PER_FOLDER) {
      const folder = path.join(root, `home${first}`);
      fs.mkdirSync(folder);
      const seed = SEED + first;
      const model = new Model({ seed });
      let acknowledged = 0;
      for (let round = first; round < Math.min(rounds, first + ROUNDS_PER_FOLDER); round++) {
        const random = new Random(SEED, round);
        const moment = random.pick(MOMENTS);
        writer = Writer.start(folder, {
          seed,
          name: `w${round}`,
          checkpointBytes: CHECKPOINT_BYTES,
        });
        writer.send('open', 'write');
        await killAt(moment, writer, folder, random);
        assert.equal(await writer.ended, 'SIGKILL', writer.complaints);

        const news = writer.acknowledged;
        const { last, writers } = await proveState(folder, model);
        const what = `round ${round}, killed at ${moment}`;
        news.forEach((n, i) => {
          if (i > 0) assert.equal(n, (news[i - 1] ?? 0) + 1, what);
        });
        for (const n of news) assert.equal(writers[n - 1], `w${round} ${n}`, what);
        const promised = news.at(-1) ?? acknowledged;
        assert.ok(
          last === promised || last === promised + 1,
          `${what}: ${promised}, is at ${last}`,
        );
        assert.ok((news[0] ?? acknowledged + 1) === acknowledged + 1, what);

        seen.acknowledged += news.length;
        seen.unacknowledged += last - promised;
        if (news.length === 0) seen.opening++;
        const names = fs.readdirSync(folder);
        if (names.some((name) => name.endsWith('.tmp'))) seen.snapshot++;
        if ((journalGenerations(names).at(-1) ?? 0) > (snapshotGenerations(names).at(-1) ?? 0)) {
          seen.unsnapped++;
        }
        acknowledged = last;
      }
    }
    assert.ok(seen.acknowledged > rounds, 'hardly anything was written');
    report(
      `kills ${rounds}, acknowledged ${digits(seen.acknowledged)}, lost 0; ${seen.opening} while opening, ` +
        `${seen.snapshot} while a snapshot was written, ${seen.unsnapped} with a journal beyond the last snapshot; ` +
        `${seen.unacknowledged} times the one under way was there`,
    );
  });
});

async function killAt(
  moment: Moment,
  writer: Writer,
  folder: string,
  random: Random,
): Promise<void> {
  if (moment === 'start') {
    await delay(random.below(300));
  } else if (moment === 'acknowledgement') {
    await writer.untilAcknowledged(random.upTo(MAX_ACKNOWLEDGED));
  } else {
    const pattern = moment === 'snapshot' ? /^snap-/ : /^j-/;
    const after = random.upTo(200);
    await writer.untilAcknowledged(after);
    const watcher = fs.watch(folder);
    await Promise.race([
      new Promise<void>((resolve) => {
        watcher.on('change', (_event, name) => pattern.test(String(name)) && resolve());
      }),
      writer.untilAcknowledged(after + MAX_ACKNOWLEDGED),
    ]);
    watcher.close();
    if (random.chance(0.5)) await delay(random.below(10));
  }
  writer.kill();
}
