import assert from 'node:assert/strict';
import { signal } from '../../src/base/processTree';
import { viewSession } from '../../src/domain/sessionView';
import { TestCore } from '../support/core';

/** Outlives its runner, with a tool in a session of its own, in the middle of a turn. */
const TASK = 'ignore-sigterm\nspawn-detached\nsay ready\nwait 600';

describe('a session whose runner is killed', () => {
  let core: TestCore;
  let id: string;
  let runner: number;

  beforeEach(async () => {
    core = await TestCore.open();
    id = await core.start(TASK);
    await core.heard(id, (event) => event.type === 'text' && event.text.includes('ready'));
    const { pid: agent } = core.manager.resolve(id);
    const living = await core.processes(id);
    assert.ok(living.length >= 3, `runner, agent and tool, not ${living.length}`);
    for await (const event of core.manager.events(id)) {
      if (event.type === 'runner-started') runner = event.pid;
    }
    assert.ok(living.includes(runner) && agent !== undefined && living.includes(agent));
  });
  afterEach(() => core.dispose());

  const assertLost = async (): Promise<void> => {
    const session = await core.until(id, (it) => it.state === 'failed');
    assert.deepEqual([session.presence, session.ending], ['gone', 'lost']);
    assert.match(session.reason ?? '', /ended without a word: it was killed/);
    assert.equal(session.pid, undefined);
    assert.equal(session.turnStartedAt, undefined);
    const counts = { handoffs: 0, handoffsBelow: 0, waitingBelow: 0, unread: 0 };
    assert.match(viewSession(session, counts, 0).description, /^Failed/);
    assert.deepEqual(await core.lasting(id), []);
  };

  it('has failed as lost, and the tree of its agent is gone', async () => {
    signal(runner, 'SIGKILL');
    await assertLost();
  });

  it('is found so by the next window, when none was open', async () => {
    await core.close();
    signal(runner, 'SIGKILL');
    await core.reopen();
    await core.manager.adoptAll();
    await assertLost();
  });
});
