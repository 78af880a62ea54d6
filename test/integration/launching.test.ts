import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { HeldCore } from '../support/heldCore';

/** More turns of the event loop than it takes to look for a runner. */
const TURNS = 20;

describe('A runner that is being started', () => {
  let core: HeldCore;

  beforeEach(async () => {
    core = await HeldCore.open();
  });
  afterEach(() => core.dispose());

  it('is not taken for gone when the connection to the one before it ends', async () => {
    const { id } = await core.manager.create({
      task: 'say hello',
      agentType: 'rehearsal',
      useWorktree: false,
      folder: core.repository,
    });
    const runner = core.runners.of(id);
    await runner.begin();
    await core.until(id, ({ state }) => state === 'running');
    await core.manager.stop(id);
    await core.manager.resume(id);
    await runner.whenAsked();
    runner.drop();
    for (let turn = 0; turn < TURNS; turn++) await setImmediate();
    assert.equal(runner.sweeps, 0);
    await runner.begin();
    await core.until(id, ({ state }) => state === 'running');
  });
});
