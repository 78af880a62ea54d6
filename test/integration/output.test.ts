import assert from 'node:assert/strict';
import { deferred } from '../../src/base/async';
import { OutputText } from '../../src/editor/outputText';
import { PacedText } from '../../src/editor/pacedText';
import { SMALL } from '../support/agents';
import { TestCore } from '../support/core';
import { RunnerStage } from '../support/runnerStage';

describe('what an output channel shows of an agent', function () {
  this.timeout(60_000);
  let core: TestCore | undefined;
  let stage: RunnerStage | undefined;

  afterEach(async () => {
    await core?.dispose();
    await stage?.dispose();
    [core, stage] = [undefined, undefined];
  });

  /** Starts a session, and waits until its turn is over and its output shown; what was shown. */
  const shownOf = async (task: string): Promise<string> => {
    core = await TestCore.open([SMALL]);
    const { manager, repository } = core;
    let shown = '';
    const isOver = deferred<undefined>();
    const paced = new PacedText((text) => {
      shown += text;
      if (text.includes('-- turn ended')) isOver.resolve(undefined);
    });
    const output = new OutputText((text) => paced.write(text));
    manager.onDidApply(({ events }) => output.add(events));
    await output.fill(nothing());
    await manager.create({ task, agentType: SMALL.name, useWorktree: false, folder: repository });
    await isOver.promise;
    return shown;
  };

  it('may come a byte at a time, also within a character', async () => {
    assert.match(await shownOf('split-character aß€😀'), /\naß€😀\n-- turn ended/);
  });

  it('may have lines of 10 MB: of noise the beginning is shown, of a message all that fits', async () => {
    const shown = await shownOf('long-lines');
    const length = 10 * 1024 * 1024;
    // Noise is cut by the runner; the message is more than is shown at once.
    const [noise = ''] = /^! y+…?$/m.exec(shown) ?? [];
    assert.ok(noise.length > 3_900 && noise.length < 4_100, String(noise.length));
    const gap = /^(y*)\n… ([\d,]+) characters are left out here.*\n(y+)\n-- turn ended/m.exec(
      shown,
    );
    assert.ok(gap);
    const [, before = '', leftOut = '', after = ''] = gap;
    assert.equal(before.length + Number(leftOut.replaceAll(',', '')) + after.length, length);
  });

  it('waits where it is while its window does not read on', async () => {
    const wanted = 20_000;
    stage = await RunnerStage.make('normal', { task: `flood ${wanted}` });
    await stage.startRunner();
    const slow = await stage.connect();
    let seen = 0;
    const isThere = deferred<undefined>();
    await slow.subscribe(1, ({ seq, type }) => {
      assert.equal(seq, ++seen);
      if (seen === 10) slow.pause();
      if (type === 'turn-ended') isThere.resolve(undefined);
    });
    const quick = await stage.follow();
    const { seq } = await quick.turnEnd('task-1');
    // What one read brought, and no more, of 20 MB.
    assert.ok(seen >= 10 && seen < 200, String(seen));
    slow.resume();
    await isThere.promise;
    assert.ok(seen >= seq);
  });
});

async function* nothing(): AsyncGenerator<never> {
  // It has no past.
}
