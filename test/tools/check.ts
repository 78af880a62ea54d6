import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { stateLabel } from '../../src/domain/session';
import { LANES } from '../../src/domain/status';
import { repoRoot } from '../host/paths';
import { run } from '../host/run';
import { makeScratchRepository } from '../host/scratchRepository';
import { TestWindow } from '../host/uiKit';
import type { TreeRow } from '../host/treeRow';
import type { Workbench } from '../host/workbench';
import { packageVsix } from './package';

const STATE_MS = 60_000;

/** What the two sessions are asked to do, and the file that proves it. */
const TASKS = [
  { task: 'write notes/one.md hello', file: 'notes/one.md' },
  { task: 'write notes/two.md hello', file: 'notes/two.md' },
] as const;

/**
 * Does Deputy's main job in a real VS Code, through its palette: two sessions of the rehearsal
 * agent, each in a worktree of its own, run at once, become idle with their work done, and are
 * finished. Prints the board after each phase.
 * @throws {Error} at the first thing that is not as it should be
 */
export async function checkMainJob(): Promise<void> {
  const scratch = path.join(repoRoot(), '.scratch');
  await fs.mkdir(scratch, { recursive: true });
  // Not below the temporary folder, where Deputy would warn about worktrees; its sockets are short-lived.
  const folder = await fs.mkdtemp(path.join(scratch, 'check-'));
  const temporary = await fs.mkdtemp(path.join(os.tmpdir(), 'dc-'));
  try {
    const repository = path.join(folder, 'repository');
    await fs.mkdir(repository);
    await makeScratchRepository(repository);
    await drive(repository, path.join(folder, 'home'), temporary);
  } finally {
    await fs.rm(folder, { recursive: true, force: true, maxRetries: 3 });
    await fs.rm(temporary, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function drive(repository: string, home: string, temporary: string): Promise<void> {
  const vsix = await packageVsix();
  const window = await TestWindow.open({
    folder: repository,
    home,
    vsix: vsix.file,
    env: { TMPDIR: temporary },
  });
  try {
    await window.ui.openContainer('Deputy');
    for (const { task } of TASKS) await startSession(window.ui, task);
    for (const { task } of TASKS) await window.ui.rowWithText('Sessions', task, 'Idle', STATE_MS);
    await printBoard(window.ui, 'Both sessions have done their work');
    await proveFiles(repository);
    for (const { task } of TASKS) await finishSession(window.ui, task);
    await printBoard(window.ui, 'Both sessions are finished');
  } catch (error) {
    console.error(`What the window showed: ${await window.ui.screenshot('check-failed')}`);
    throw error;
  } finally {
    const left = await window.close();
    for (const { pid, command } of left) console.error(`left behind: process ${pid}: ${command}`);
    if (left.length > 0) process.exitCode = 1;
  }
}

async function startSession(ui: Workbench, task: string): Promise<void> {
  await ui.command('Deputy: Start Session…');
  await ui.input('Start Session', task);
  await ui.pick('Start Session', 'rehearsal');
  await ui.pick('Start Session', 'New worktree');
  await ui.row('Sessions', task).first().waitFor();
}

async function finishSession(ui: Workbench, task: string): Promise<void> {
  await ui.command('Deputy: Finish Session');
  // With one session left there is nothing to pick.
  const question = ui.quick.locator('.quick-input-title', { hasText: 'Finish Session' });
  const done = ui.row('Sessions', task).filter({ hasText: 'Completed' }).first();
  await question.or(done).first().waitFor();
  if (await question.isVisible()) await ui.pick('Finish Session', task);
  await ui.rowWithText('Sessions', task, 'Completed', STATE_MS);
}

/** Each file is in one worktree, and none is in the folder that the person works in. */
async function proveFiles(repository: string): Promise<void> {
  const listing = await run('git', ['-C', repository, 'worktree', 'list', '--porcelain']);
  const [main, ...worktrees] = listing
    .split('\n')
    .filter((line) => line.startsWith('worktree '))
    .map((line) => line.slice('worktree '.length));
  for (const { file } of TASKS) {
    const holders = await holdersOf(file, worktrees);
    if (holders.length !== 1) {
      throw new Error(
        `${file} is in ${holders.length} of ${worktrees.length} worktrees, not in 1.`,
      );
    }
    if (main === undefined || (await holdersOf(file, [main])).length > 0) {
      throw new Error(`${file} was written to the workspace folder.`);
    }
  }
}

async function holdersOf(file: string, folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map((folder) =>
      fs.access(path.join(folder, file)).then(
        () => folder,
        () => undefined,
      ),
    ),
  );
  return found.filter((folder) => folder !== undefined);
}

async function printBoard(ui: Workbench, title: string): Promise<void> {
  console.log(`\n${title}:\n${boardText(await ui.rows('Sessions'))}`);
}

/** The rows of the tree as text, a lane for each state; empty lanes are shown too. */
function boardText(rows: readonly TreeRow[]): string {
  return LANES.map(stateLabel)
    .map((lane) => {
      const cards = rows.filter((row) => row.text.includes(lane)).map((row) => `    ${row.text}`);
      return [`  ${lane} (${cards.length})`, ...cards].join('\n');
    })
    .join('\n');
}
