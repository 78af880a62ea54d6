import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { THEME_NAMES } from '../host/uiKit';
import { lastingProcesses } from '../support/lastingProcesses';
import { Stage, VIEW } from './stage';

describe('the main job, on the installed .vsix', () => {
  let stage: Stage;
  const NOTES = 'write notes/ui.md hello from the keyboard';

  before(async () => {
    stage = await Stage.open({ settings: { 'deputy.stopGraceSeconds': 1 } });
    await stage.ui.openContainer('Deputy');
  });
  after(() => stage.close());

  it('begins with a view that says what to do', async () => {
    const welcome = stage.ui.pane(VIEW).locator('.welcome-view-content');
    await welcome.filter({ hasText: 'Start Session' }).waitFor();
    await stage.ui.screenshot('welcome');
  });

  it('does not take an empty task', async () => {
    await stage.ui.command('Deputy: Start Session…');
    await stage.ui.quickTitle('Start Session');
    await stage.ui.page.keyboard.type(' ');
    await stage.ui.inputError('The task must not be empty');
    await stage.ui.page.keyboard.press('Enter');
    await stage.ui.quickTitle('Start Session');
    await stage.ui.cancelQuick();
    assert.deepEqual(await stage.ui.rows(VIEW), []);
  });

  it('says beside an agent that it is not installed, and offers the bundled one', async () => {
    await stage.ui.command('Deputy: Start Session…');
    await stage.ui.input('Start Session', 'say hello');
    await stage.ui.quickTitle('Start Session');
    const rows = await stage.ui.quickRows();
    assert.match(rows[0] ?? '', /^rehearsal/);
    assert.match(rows.join('\n'), /claude-agent-acp.*npm install -g/);
    await stage.ui.screenshot('agents');
    await stage.ui.cancelQuick();
  });

  it('shows a session running, idle and completed', async () => {
    await stage.start('wait 2', 'New worktree');
    await stage.ui.rowWithText(VIEW, 'wait 2', 'Running');
    await stage.ui.rowWithText(VIEW, 'wait 2', 'Idle');
    await stage.ui.command('Deputy: Finish Session');
    await stage.ui.pick('Finish Session', 'wait 2');
    await stage.ui.rowWithText(VIEW, 'wait 2', 'Completed');
    assert.deepEqual(await stage.lasting(), []);
  });

  it('has the work done in a worktree, and not in the folder', async () => {
    await stage.start(NOTES, 'New worktree');
    await stage.ui.rowWithText(VIEW, NOTES, 'Idle');
    const made = (await stage.launches()).map(({ cwd }) => path.join(cwd, 'notes/ui.md'));
    const texts = await Promise.all(made.map((file) => fs.readFile(file, 'utf8').catch(() => '')));
    const text = texts.join('');
    assert.match(text, /hello from the keyboard/);
    await assert.rejects(fs.access(path.join(stage.repository, 'notes/ui.md')));
  });

  it('takes the next prompt by keyboard', async () => {
    await stage.ui.command('Deputy: Send Prompt…');
    await stage.ui.pick('Send Prompt', NOTES);
    await stage.ui.input('Send Prompt', 'ask May I run the tests?');
    await stage.ui.rowWithText(VIEW, NOTES, 'Waiting for you');
    await stage.ui.badge('Deputy').filter({ hasText: '1' }).waitFor();
  });

  it('lets a person answer, and backing out answers nothing', async () => {
    await stage.ui.command('Deputy: Answer Request…');
    await stage.ui.pick('Answer Request', NOTES);
    await stage.ui.quickTitle('May I run the tests?');
    await stage.ui.cancelQuick();
    await stage.ui.rowWithText(VIEW, NOTES, 'Waiting for you');
    await stage.ui.command('Deputy: Answer Request…');
    await stage.ui.pick('Answer Request', NOTES);
    await stage.ui.pick('May I run the tests?', 'Allow');
    await stage.ui.rowWithText(VIEW, NOTES, 'Idle');
    await stage.ui.badge('Deputy').waitFor({ state: 'hidden' });
  });

  it('shows its output and its status', async () => {
    await stage.ui.command('Deputy: Show Output');
    await stage.ui.pick('Show Output', NOTES);
    await stage.ui.page.locator('.output-view .view-lines', { hasText: 'turn ended' }).waitFor();
    await stage.ui.command('Deputy: Show Session Status');
    await stage.ui.pick('Show Session Status', NOTES);
    await stage.ui.page.locator('.editor-instance .view-lines', { hasText: 'State:' }).waitFor();
    await stage.ui.screenshot('status');
    await stage.ui.command('View: Close All Editors');
  });

  it('stops a running session and leaves no process of it', async () => {
    const before = await stage.processes();
    await stage.start('wait 600');
    await stage.ui.rowWithText(VIEW, 'wait 600', 'Running');
    assert.ok((await stage.processes()).length > before.length);
    await stage.ui.command('Deputy: Stop Session');
    await stage.ui.pick('Stop Session', 'wait 600');
    await stage.ui.rowWithText(VIEW, 'wait 600', 'Stopped');
    const launch = (await stage.launches()).find(({ cwd }) => cwd === stage.repository);
    assert.deepEqual(await lastingProcesses([launch?.marker ?? '']), []);
  });

  it('looks right in the four themes, with a session in every state', async () => {
    await stage.start('exit 3');
    await stage.ui.rowWithText(VIEW, 'exit 3', 'Failed');
    await stage.start('say done');
    await stage.ui.rowWithText(VIEW, 'say done', 'Idle');
    await stage.ui.command('Deputy: Finish Session');
    await stage.ui.pick('Finish Session', 'say done');
    await stage.ui.rowWithText(VIEW, 'say done', 'Completed');
    await stage.start('wait 601');
    await stage.ui.rowWithText(VIEW, 'wait 601', 'Running');
    await stage.start('ask Delete the old build folder?');
    await stage.ui.rowWithText(VIEW, 'ask Delete', 'Waiting for you');
    for (const theme of THEME_NAMES) {
      await stage.window.theme(theme);
      await stage.ui.openContainer('Deputy');
      await stage.ui.rowWithText(VIEW, 'wait 601', 'Running');
      await stage.ui.row(VIEW, NOTES).hover();
      await stage.ui.screenshot(`board-${theme}`);
    }
  });

  it('ends every session from its row or the palette', async () => {
    await stage.ui.command('Deputy: Finish Session');
    await stage.ui.pick('Finish Session', NOTES);
    await stage.ui.rowWithText(VIEW, NOTES, 'Completed');
    for (const task of ['wait 601', 'ask Delete']) {
      await stage.ui.contextMenu(stage.ui.row(VIEW, task), 'Stop Session');
      await stage.ui.rowWithText(VIEW, task, 'Stopped');
    }
    assert.deepEqual(await stage.lasting(), []);
  });
});
