import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { journalGenerations, journalName } from '../../src/store/journalFormat';
import { Stage, VIEW } from './stage';

/** A task whose tool puts out a line every 2 ms for some seconds: each is a write of the state. */
const CHATTER = (first: number): string =>
  `run node -e "let n=${first};const t=setInterval(()=>{console.log(n++);if(n>2000)clearInterval(t)},2)"`;
const FIRST = 'run node -e "let n=1;';
const SECOND = 'run node -e "let n=2;';

const QUICK = { settings: { 'deputy.stopGraceSeconds': 1 } };

describe('the state of a window', () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.open(QUICK);
    await stage.ui.openContainer('Deputy');
  });
  after(() => stage.close());

  /** Starts a session whose agent makes the extension write as fast as it can. */
  async function writeALot(first: number, label: string): Promise<void> {
    await stage.start(CHATTER(first));
    await stage.ui.rowWithText(VIEW, label, 'Running');
  }

  it('is the acknowledged one after the extension host was killed in the middle of writes', async () => {
    await stage.start('wait 600');
    await stage.ui.rowWithText(VIEW, 'wait 600', 'Running');
    await writeALot(1, FIRST);
    const before = await stage.processes();
    assert.ok(before.length >= 4, 'two runners and two agents');
    await stage.window.crashExtensionHost();
    assert.deepEqual((await stage.processes()).sort(), before.sort());
    await stage.ui.rowWithText(VIEW, FIRST, 'Idle', 60_000);
    await stage.ui.rowWithText(VIEW, 'wait 600', 'Running');
    assert.deepEqual(await stage.shownRows(), await stage.storedRows());
  });

  it('is the acknowledged one after the window was reloaded in the middle of writes', async () => {
    await writeALot(2, SECOND);
    await stage.ui.reload();
    await stage.ui.openContainer('Deputy');
    await stage.ui.rowWithText(VIEW, SECOND, 'Idle', 60_000);
    await stage.ui.rowWithText(VIEW, FIRST, 'Idle');
    await stage.ui.rowWithText(VIEW, 'wait 600', 'Running');
    assert.deepEqual(await stage.shownRows(), await stage.storedRows());
  });

  it('still commands the agents that were there before', async () => {
    for (const task of ['wait 600', FIRST, SECOND]) {
      await stage.ui.command('Deputy: Stop Session');
      await stage.ui.pick('Stop Session', task);
      await stage.ui.rowWithText(VIEW, task, 'Stopped');
    }
    assert.deepEqual(await stage.lasting(), []);
  });
});

describe('two windows on the same folder', () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.open(QUICK);
    await stage.ui.openContainer('Deputy');
  });
  after(() => stage.close());

  it('agree on who has the sessions, and hand them over', async () => {
    await stage.start('say hello');
    await stage.ui.rowWithText(VIEW, 'say hello', 'Idle');
    const second = await stage.window.openAnother();
    await second.openContainer('Deputy');

    // The second sees them, says who has them, and does nothing to them.
    await second.pane(VIEW).getByText('Another window').first().waitFor();
    await second.rowWithText(VIEW, 'say hello', 'Idle');
    await second.screenshot('second-window');
    await second.command('Deputy: Start Session…');
    await second.toast('Another window').waitFor();

    // It takes over; the first says so and writes nothing more.
    await second.command('Deputy: Take Over');
    await second.pane(VIEW).getByText('Another window').first().waitFor({ state: 'detached' });
    await second.rowWithText(VIEW, 'say hello', 'Idle');
    await stage.ui.toast('Another window has taken over').waitFor();
    await stage.ui.pane(VIEW).getByText('Another window').first().waitFor();
    const journals = await journalsOf(await stage.stateFolder());
    await stage.ui.command('Deputy: Start Session…');
    await stage.ui.toast('Another window (process').waitFor();
    await second.command('Deputy: Finish Session');
    await second.pick('Finish Session', 'say hello');
    await second.rowWithText(VIEW, 'say hello', 'Completed');
    const now = await journalsOf(await stage.stateFolder());
    assert.deepEqual(now.slice(0, -1), journals.slice(0, -1));
    assert.notEqual(now.at(-1), journals.at(-1), 'the second has written');

    // The first follows what happens there, and goes on by itself when the second is closed.
    await stage.ui.rowWithText(VIEW, 'say hello', 'Completed', 30_000);
    await second.page.close();
    await stage.ui
      .pane(VIEW)
      .getByText('Another window')
      .first()
      .waitFor({ state: 'detached', timeout: 60_000 });
    await stage.ui.rowWithText(VIEW, 'say hello', 'Completed');
    assert.deepEqual(await stage.shownRows(), await stage.storedRows());
  });
});

describe('a damaged state', () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.open(QUICK);
    await stage.ui.openContainer('Deputy');
  });
  after(() => stage.close());

  it('is not touched, and opens with what can be read when a person says so', async () => {
    await stage.start('wait 1');
    await stage.ui.rowWithText(VIEW, 'wait 1', 'Idle');
    await stage.ui.command('Deputy: Finish Session');
    await stage.ui.pick('Finish Session', 'wait 1');
    await stage.ui.rowWithText(VIEW, 'wait 1', 'Completed');
    const folder = await stage.stateFolder();
    await stage.reopen(async () => {
      const file = path.join(folder, journalName(1));
      const bytes = await fs.readFile(file);
      // What follows it is whole, so it was no write that was cut off.
      bytes.write('rotten', bytes.lastIndexOf('running'));
      await fs.writeFile(file, bytes);
    });
    await stage.ui.openContainer('Deputy');
    await stage.ui.pane(VIEW).getByText('is damaged').first().waitFor();
    await stage.ui.screenshot('damaged');
    await stage.ui.command('Deputy: Repair State…');
    await stage.ui.dialog().getByText('1 session can be read').waitFor();
    await stage.ui.screenshot('repair');
    await stage.ui.dialogAction('Repair');
    await stage.ui.rowWithText(VIEW, 'wait 1', 'Completed');
    await stage.ui.toast('opened what could be read').waitFor();
  });
});

/** Name and size of every journal, oldest first. */
async function journalsOf(folder: string): Promise<string[]> {
  const generations = journalGenerations(await fs.readdir(folder));
  return Promise.all(
    generations.map(async (generation) => {
      const { size } = await fs.stat(path.join(folder, journalName(generation)));
      return `${journalName(generation)} ${size}`;
    }),
  );
}
