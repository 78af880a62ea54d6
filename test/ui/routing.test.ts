import assert from 'node:assert/strict';
import type { ThemeName } from '../host/uiKit';
import { Stage, VIEW } from './stage';

const THEMES: readonly ThemeName[] = ['dark', 'light', 'hcDark'];

const LEAD = 'say The parser is split into three modules.';
const BUSY = 'wait 600';
const CLEAR = 'say The tests of the parser pass.';
const ASKING = 'ask May I delete the old parser?';

describe('a team, on the installed .vsix', () => {
  let stage: Stage;

  before(async () => {
    const settings = { 'deputy.stopGraceSeconds': 1, 'deputy.maxDelegatesPerLead': 2 };
    stage = await Stage.open({ settings });
    await stage.ui.openContainer('Deputy');
    await stage.start(LEAD, 'New worktree');
    await stage.ui.rowWithText(VIEW, LEAD, 'Idle');
  });
  after(() => stage.close());

  /** Begins a command about the lead. */
  async function begin(command: string, title: string): Promise<void> {
    await stage.ui.command(`Deputy: ${command}…`);
    await stage.ui.pick(title, LEAD);
  }
  async function assign(task: string, answer: string): Promise<void> {
    await begin('Assign Task', 'Assign Task');
    await stage.ui.input('Assign Task: say The parser', task);
    await stage.ui.toast(answer).waitFor();
  }

  it('gets a task by keyboard, and shows who has it below its lead', async () => {
    await assign(BUSY, `Handed to ${BUSY} (spawned new delegate).`);
    await stage.ui.rowWithText(VIEW, BUSY, 'Running');
    const rows = await stage.ui.rows(VIEW);
    assert.deepEqual(
      rows.map(({ level }) => level),
      [1, 2],
    );
  });

  it('brings the result to the inbox of its lead, where it is read by keyboard', async () => {
    await assign(CLEAR, `Handed to ${CLEAR} (spawned new delegate).`);
    await stage.ui.rowWithText(VIEW, CLEAR, 'Idle');
    await stage.ui.rowWithText(VIEW, LEAD, '1 unread');
    await begin('Open Inbox', 'Open Inbox');
    await stage.ui.quickTitle('Inbox: say The parser');
    await stage.ui.quickRow('completed').first().waitFor();
    await stage.ui.screenshot('inbox');
    await stage.ui.page.keyboard.press('Enter');
    await stage.ui.page.locator('.editor-instance .view-lines', { hasText: 'completed' }).waitFor();
    await stage.ui.screenshot('message');
    await stage.ui.command('View: Close All Editors');
    assert.ok(
      !(await (await stage.ui.rowWithText(VIEW, LEAD, 'Idle')).innerText()).includes('unread'),
    );
  });

  it('shows what waits, for the team and for a person, at any depth', async () => {
    await stage.ui.command('Deputy: Delegate Session…');
    await stage.ui.pick('Delegate Session', CLEAR);
    await stage.ui.input('Delegate Session', ASKING);
    await stage.ui.rowWithText(VIEW, ASKING, 'Waiting for you');
    await assign('wait 601', `Handed to ${CLEAR} (reused idle delegate).`);
    await stage.ui.rowWithText(VIEW, CLEAR, 'Running');
    await assign('say Reviewed.', `Handed to ${BUSY} (reused active delegate at capacity).`);
    await assign('say Documented.', `Handed to ${CLEAR} (reused active delegate at capacity).`);
    await assign('say Polished.', `Waits in the inbox of ${LEAD}: every active delegate`);
    await stage.ui.rowWithText(VIEW, LEAD, '1 handoff');
    const levels = (await stage.ui.rows(VIEW)).map(({ level }) => level);
    assert.deepEqual(levels, [1, 2, 3, 2]);
  });

  it('says before it is done who would get a task, and looks right in three themes', async () => {
    const before = await stage.storedRows();
    for (const theme of THEMES) {
      await stage.window.theme(theme);
      await stage.ui.openContainer('Deputy');
      await stage.ui.rowWithText(VIEW, LEAD, 'handoff');
      await stage.ui.row(VIEW, LEAD).click();
      await stage.ui.screenshot(`team-${theme}`);
      await begin('Preview Assignment', 'Preview Assignment');
      await stage.ui.input('Preview Assignment: say The parser', 'say Translated.');
      await stage.ui.quickRow('Would wait in the inbox of say The parser').waitFor();
      await stage.ui.screenshot(`preview-${theme}`);
      await stage.ui.cancelQuick();
    }
    assert.deepEqual(await stage.storedRows(), before);
  });

  it('says on a collapsed row what waits below it', async () => {
    await stage.ui.row(VIEW, LEAD).click();
    await stage.ui.page.keyboard.press('ArrowLeft');
    await stage.ui.rowWithText(VIEW, LEAD, '1 waits for you below');
    await stage.ui.rowWithText(VIEW, LEAD, 'below)');
    assert.equal((await stage.ui.rows(VIEW)).length, 1);
    await stage.ui.rowWithMark(VIEW, '!');
    await stage.ui.screenshot('team-collapsed');
    await stage.ui.page.keyboard.press('ArrowRight');
    await stage.ui.rowWithText(VIEW, ASKING, 'Waiting for you');
  });

  it('ends as a whole, after a question', async () => {
    await stage.ui.command('Deputy: Stop Team');
    await stage.ui.pick('Stop Team', LEAD);
    await stage.ui.dialog().filter({ hasText: 'Stop 4 sessions' }).waitFor();
    await stage.ui.screenshot('stop-team');
    await stage.ui.page.keyboard.press('Enter');
    for (const task of [LEAD, BUSY, CLEAR, ASKING]) {
      await stage.ui.rowWithText(VIEW, task, 'Stopped');
    }
    assert.deepEqual(await stage.lasting(), []);
  });
});
