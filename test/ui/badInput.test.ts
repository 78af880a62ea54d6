import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import assert from 'node:assert/strict';
import { Stage, VIEW } from './stage';

describe('bad surroundings', () => {
  let stage: Stage | undefined;

  afterEach(async () => {
    await stage?.close();
    stage = undefined;
  });

  it('asks for a folder when there is none', async () => {
    stage = await Stage.open({ isEmpty: true });
    await stage.ui.openContainer('Deputy');
    await stage.ui.pane(VIEW).getByText('Open a folder first').waitFor();
    await stage.ui.command('Deputy: Start Session…');
    await stage.ui.toast('Open a folder first').waitFor();
  });

  it('offers only the folder itself where there is no git repository, and says why', async () => {
    stage = await Stage.open({}, async (_home, repository) => {
      await fs.rm(path.join(repository, '.git'), { recursive: true });
    });
    await stage.ui.command('Deputy: Start Session…');
    await stage.ui.input('Start Session', 'say hello');
    await stage.ui.pick('Start Session', 'rehearsal');
    await stage.ui.quickTitle('Start Session');
    const rows = await stage.ui.quickRows();
    assert.equal(rows.length, 1);
    assert.match(rows[0] ?? '', /^In the workspace folder.*not a git repository/);
    await stage.ui.cancelQuick();
  });

  it('names the storage folder that cannot be written', async () => {
    stage = await Stage.open({}, async (home) => {
      // Root may write anywhere, but not into a file.
      await fs.mkdir(path.join(home, 'data/User'), { recursive: true });
      await fs.writeFile(path.join(home, 'data/User/workspaceStorage'), 'not a folder');
    });
    await stage.ui.openContainer('Deputy');
    await stage.ui.pane(VIEW).getByText('Deputy cannot write its state').waitFor();
    await stage.ui.screenshot('unwritable');
    await stage.ui.command('Deputy: Start Session…');
    await stage.ui.toast('Deputy cannot write its state').waitFor();
  });

  it('does not start agents in a workspace that is not trusted', async () => {
    stage = await Stage.open({
      workspaceTrust: true,
      settings: { 'security.workspace.trust.startupPrompt': 'never' },
    });
    await stage.ui.openContainer('Deputy');
    await stage.ui.pane(VIEW).getByText('only in a trusted workspace').waitFor();
    await stage.ui.command('Deputy: Start Session…');
    await stage.ui.toast('not trusted').waitFor();
  });
});
