import assert from 'node:assert/strict';
import { Coalesced, deferred, KeyedQueue, within } from '../../src/base/async';
import { LineSplitter } from '../../src/base/lines';

describe('KeyedQueue', () => {
  it('runs the jobs of one key in order, past one that fails, and other keys at once', async () => {
    const queue = new KeyedQueue();
    const gate = deferred<undefined>();
    const done: string[] = [];
    const first = queue.run('a', async () => {
      await gate.promise;
      done.push('a1');
      throw new Error('a1 failed');
    });
    const second = queue.run('a', async () => done.push('a2'));
    await queue.run('b', async () => done.push('b1'));
    assert.deepEqual(done, ['b1']);
    gate.resolve(undefined);
    await assert.rejects(first, /a1 failed/);
    await second;
    assert.deepEqual(done, ['b1', 'a1', 'a2']);
  });
});

describe('Coalesced', () => {
  it('folds all requests made during a run into one more run', async () => {
    let runs = 0;
    const gates = [deferred<undefined>(), deferred<undefined>()];
    const work = new Coalesced(async () => {
      await gates[runs++]?.promise;
    });
    const first = work.request();
    const later = [work.request(), work.request(), work.request()];
    gates[0]?.resolve(undefined);
    await first;
    gates[1]?.resolve(undefined);
    await Promise.all(later);
    assert.equal(runs, 2);
  });

  it('goes on after a run that failed', async () => {
    let runs = 0;
    const work = new Coalesced(async () => {
      runs += 1;
      if (runs === 1) throw new Error('first');
    });
    const first = work.request();
    const second = work.request();
    await assert.rejects(first, /first/);
    await second;
    assert.equal(runs, 2);
  });
});

describe('within', () => {
  it('hands out the fallback when nothing comes', async () => {
    assert.equal(await within(new Promise(() => undefined), 1, 'late'), 'late');
    assert.equal(await within(Promise.resolve('early'), 1_000, 'late'), 'early');
  });
});

describe('LineSplitter', () => {
  const text = 'first\r\nsecöndñ\n\nlast without end';
  const bytes = Buffer.from(text);

  it('finds the same lines wherever the bytes are cut', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const lines: string[] = [];
      const splitter = new LineSplitter((line) => lines.push(line));
      splitter.push(bytes.subarray(0, cut));
      splitter.push(bytes.subarray(cut));
      splitter.end();
      assert.deepEqual(lines, ['first', 'secöndñ', '', 'last without end']);
    }
  });

  it('hands out a line that is too long in pieces', () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line), 4);
    splitter.push(Buffer.from('abcdefghij\nk\n'));
    assert.deepEqual(lines, ['abcd', 'efgh', 'ij', 'k']);
  });
});
