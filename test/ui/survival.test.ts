import assert from 'node:assert/strict';
import { Stage, VIEW } from './stage';

describe('when the extension host is killed', () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.open({ settings: { 'deputy.stopGraceSeconds': 1 } });
    await stage.ui.openContainer('Deputy');
  });
  after(() => stage.close());

  it('leaves the runner and its agent alive, and goes on with them', async () => {
    await stage.start('wait 600');
    await stage.ui.rowWithText(VIEW, 'wait 600', 'Running');
    const before = await stage.processes();
    assert.ok(before.length >= 2, 'a runner and an agent');
    await stage.window.crashExtensionHost();
    assert.deepEqual((await stage.processes()).sort(), before.sort());
    // The next extension host must have connected: only then can it stop the session.
    await stage.ui.command('Deputy: Stop Session');
    await stage.ui.pick('Stop Session', 'wait 600');
    await stage.ui.rowWithText(VIEW, 'wait 600', 'Stopped');
    assert.deepEqual(await stage.lasting(), []);
  });
});

describe('a second window on the same folder', () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.open({ settings: { 'deputy.stopGraceSeconds': 1 } });
    await stage.ui.openContainer('Deputy');
  });
  after(() => stage.close());

  it('says that another window has the sessions, and takes over when that one is closed', async () => {
    await stage.start('say hello');
    await stage.ui.rowWithText(VIEW, 'say hello', 'Idle');
    const second = await stage.window.openAnother();
    await second.openContainer('Deputy');
    await second.pane(VIEW).getByText('Another window').first().waitFor();
    await second.screenshot('second-window');
    assert.equal(await second.pane(VIEW).getByText('Hand a task').count(), 0);
    await second.command('Deputy: Start Session…');
    await second.toast('Another window').waitFor();

    await stage.ui.page.close();
    await second.rowWithText(VIEW, 'say hello', 'Idle', 60_000);
    await second.pane(VIEW).getByText('Another window').first().waitFor({ state: 'detached' });
    await second.command('Deputy: Stop Session');
    await second.pick('Stop Session', 'say hello');
    await second.rowWithText(VIEW, 'say hello', 'Stopped');
  });
});
