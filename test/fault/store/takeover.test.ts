import assert from 'node:assert/strict';
import * as path from 'node:path';
import { makeTempFolder, removeTempFolder } from '../../support/tempFolder';
import { readFolder } from './folder';
import { Model } from './model';
import { Random } from '../random';
import { count, digits, report, SEED, TEST_MS } from '../settings';
import { Writer } from './writer';

const options = { seed: SEED };
/** Small, so that takeovers meet checkpoints. */
const CHECKPOINT_BYTES = 30_000;
/** Enough for several checkpoints by the one while the other is stopped. */
const LONG_ABSENCE = 600;
/** What the holder before may write after a takeover when nothing stops it. */
const UNFENCED = 25;

/** What two writers have come to. */
interface Outcome {
  readonly acknowledged: number;
  /** Acknowledged, and not there as the same transaction of the same writer. */
  readonly lost: readonly string[];
  readonly stopped: number;
}

describe('Two writers that take a store over from each other', function () {
  this.timeout(TEST_MS);
  let root: string;
  let writers: Writer[] = [];
  beforeEach(async () => (root = await makeTempFolder()));
  afterEach(async () => {
    for (const writer of writers.splice(0)) await writer.dispose();
    await removeTempFolder(root);
  });

  /** Each time the one that has lost it opens it again, in the middle of the other's writes. */
  const drive = async (takeovers: number, isFencing: boolean): Promise<Outcome> => {
    const folder = path.join(root, 'home');
    // Without the fence a rotation would still notice the other's file.
    const checkpointBytes = isFencing ? CHECKPOINT_BYTES : 1e9;
    writers = ['a', 'b'].map((name) =>
      Writer.start(folder, { ...options, name, checkpointBytes, isFencing }),
    );
    const [first, second] = writers;
    assert.ok(first && second);
    let [holder, other] = [first, second];
    let stopped = 0;
    holder.send('open', 'write');
    for (let i = 0; i < takeovers; i++) {
      const random = new Random(SEED, i);
      await holder.untilAcknowledged(holder.acknowledged.length + random.upTo(150));
      // As a machine does with a process when its lid is closed.
      const isStopped = isFencing && process.platform !== 'win32' && i % 5 === 2;
      if (isStopped) {
        holder.kill('SIGSTOP');
        stopped++;
      }
      other.send('open', 'write');
      assert.equal((await other.next('done', 'refused'))?.word, 'done');
      if (isStopped) {
        await other.untilAcknowledged(other.acknowledged.length + LONG_ABSENCE);
        holder.kill('SIGCONT');
      }
      if (isFencing) await proveFenced(holder);
      else await endUnfenced(holder);
      [holder, other] = [other, holder];
    }
    await holder.untilAcknowledged(holder.acknowledged.length + 50);
    holder.send('stop');
    await holder.run('close');
    return outcome(folder, writers, stopped);
  };

  it('keep everything that either of them has acknowledged, once', async () => {
    const takeovers = count(60, 6);
    const { acknowledged, lost, stopped } = await drive(takeovers, true);
    assert.deepEqual(lost, []);
    report(
      `takeovers ${takeovers} (${stopped} from a stopped process), acknowledged ${digits(acknowledged)}, lost 0`,
    );
  });

  it('lose some of it without the fence, which shows that this test can fail', async () => {
    const takeovers = 4;
    const { acknowledged, lost } = await drive(takeovers, false);
    assert.ok(lost.length >= UNFENCED, `lost ${lost.length}`);
    report(
      `control without the fence: takeovers ${takeovers}, acknowledged ${digits(acknowledged)}, lost ${digits(lost.length)}`,
    );
  });
});

/** It must stop by itself, and must not write again until it opens the store. */
async function proveFenced(writer: Writer): Promise<void> {
  // `open` may have been the last thing it has done.
  let line = await writer.next('refused', 'done');
  while (line?.word === 'done' && line.rest.startsWith('open')) line = await writer.next('refused');
  assert.ok(line?.rest.startsWith('lost-ownership'), `${line?.rest} ${writer.complaints}`);
  const before = writer.acknowledged.length;
  assert.equal((await writer.refused('write 3')).reason, 'lost-ownership');
  await writer.run('close');
  assert.equal(writer.acknowledged.length, before);
}

/** Nothing stops it, so it goes on for a while. */
async function endUnfenced(writer: Writer): Promise<void> {
  await writer.untilAcknowledged(writer.acknowledged.length + UNFENCED);
  writer.send('stop');
  await writer.run('close');
}

async function outcome(
  folder: string,
  [a, b]: readonly Writer[],
  stopped: number,
): Promise<Outcome> {
  assert.ok(a && b);
  const promised = [...a.acknowledged.map((n) => `a ${n}`), ...b.acknowledged.map((n) => `b ${n}`)];
  const { image, writers } = await readFolder(folder);
  // What is there is right in any case: once, whole, in order.
  assert.deepEqual(image, new Model(options).at(image.last));
  const there = new Set(writers);
  assert.equal(there.size, writers.length);
  return { acknowledged: promised.length, lost: promised.filter((it) => !there.has(it)), stopped };
}
