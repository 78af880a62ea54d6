import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { exists } from '../../src/base/files';
import type { WorktreeErrorReason } from '../../src/domain/gitErrors';
import type { Worktree } from '../../src/domain/session';
import { GitWorktrees } from '../../src/git/worktrees';
import {
  commitAll,
  gitIn,
  isolatedEnvironment,
  ScratchRepository,
  writeFiles,
} from '../support/scratchRepository';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

describe('GitWorktrees that removes a worktree', function () {
  // Each step is a few processes, which are slow to start on some systems.
  this.timeout(20_000);

  let scratch: string;
  let repository: ScratchRepository;
  let worktrees: GitWorktrees;
  let made: Worktree;

  beforeEach(async () => {
    scratch = await makeTempFolder();
    repository = await ScratchRepository.make(path.join(scratch, 'project'));
    worktrees = new GitWorktrees({ environment: isolatedEnvironment() });
    made = await worktrees.addWorktree(repository.root, 'abcd1234');
  });

  afterEach(() => removeTempFolder(scratch));

  const remove = (): Promise<void> => worktrees.removeWorktree(repository.root, made);
  const branches = (): Promise<string> => repository.git('branch', '--format=%(refname:short)');
  const entries = async (): Promise<number> =>
    (await repository.git('worktree', 'list')).split('\n').length;

  /** Nothing of the worktree may be left. */
  async function assertRemoved(): Promise<void> {
    assert.deepEqual(await fs.readdir(scratch), ['project']);
    assert.equal(await entries(), 1);
    assert.equal(await branches(), 'main');
  }

  async function assertRefused(reason: WorktreeErrorReason, message: RegExp): Promise<void> {
    await assert.rejects(remove(), { name: 'WorktreeError', reason, message });
  }

  it('removes folder, registration, branch and the empty folder around it', async () => {
    await writeFiles(made.path, { 'ignored/node_modules/x/index.js': 'x' });
    await remove();
    await assertRemoved();
  });

  it('takes being asked again for no error', async () => {
    await remove();
    await remove();
    await assertRemoved();
  });

  it('can be asked from the worktree itself', async () => {
    await worktrees.removeWorktree(path.join(made.path), made);
    await assertRemoved();
  });

  it('can be asked when the checkout that it started from is gone', async () => {
    await worktrees.removeWorktree(path.join(scratch, 'gone'), made);
    await assertRemoved();
  });

  it('leaves the worktrees beside it alone', async () => {
    const other = await worktrees.addWorktree(repository.root, 'eeeeeeee');
    await remove();
    assert.equal(await exists(made.path), false);
    assert.equal(await worktrees.countChangedFiles(other), 0);
  });

  it('does not take a tracked fixture for a nested repository', async () => {
    const fixture = { 'x.git/HEAD': 'ref', 'x.git/objects/keep': '', 'x.git/refs/keep': '' };
    await repository.commit(fixture);
    const second = await worktrees.addWorktree(repository.root, 'eeeeeeee');
    await worktrees.removeWorktree(repository.root, second);
    assert.equal(await exists(second.path), false);
  });

  it('refuses a locked worktree, whether or not its folder is there', async () => {
    await repository.git('worktree', 'lock', '--reason', 'on a\nstick', made.path);
    await assertRefused(
      'locked',
      /is locked \(on a\nstick\)\. Unlock it with `git worktree unlock`/,
    );
    await fs.rm(made.path, { recursive: true });
    await assertRefused('locked', /is locked/);
    assert.equal(await entries(), 2);
  });

  it('clears only its own registration when the folder is gone', async () => {
    const users = path.join(scratch, 'users');
    await repository.git('worktree', 'add', '--quiet', '-b', 'users', users);
    await fs.rm(users, { recursive: true });
    await fs.rm(made.path, { recursive: true });
    await remove();
    assert.equal(await branches(), 'main\nusers');
    assert.equal(await entries(), 2);
    assert.deepEqual(await fs.readdir(scratch), ['project']);
  });

  it('keeps a branch with commits when the folder is gone', async () => {
    await writeFiles(made.path, { 'new.txt': 'x' });
    await commitAll(made.path);
    await fs.rm(made.path, { recursive: true });
    await remove();
    assert.equal(await branches(), 'deputy/abcd1234\nmain');
    assert.equal(await entries(), 1);
  });

  it('refuses when only the registration of a folder that is gone leads to commits', async () => {
    await gitIn(made.path, 'checkout', '--quiet', '--detach');
    await writeFiles(made.path, { 'new.txt': 'x' });
    const commit = await commitAll(made.path);
    await fs.rm(made.path, { recursive: true });
    await assert.rejects(remove(), { name: 'WorktreeDirtyError' });
    assert.equal(await entries(), 2);
    await repository.git('branch', 'rescued', commit);
    await remove();
    assert.equal(await branches(), 'main\nrescued');
  });

  it('keeps the branch while it is checked out elsewhere', async () => {
    await gitIn(made.path, 'checkout', '--quiet', '--detach');
    await repository.git('checkout', '--quiet', made.branch);
    await remove();
    assert.equal(await repository.git('branch', '--show-current'), made.branch);
    assert.equal(await repository.git('rev-parse', 'HEAD'), made.baseCommit);
    assert.equal(await exists(made.path), false);
  });

  it('does not delete a folder that is no worktree of the repository', async () => {
    await repository.git('worktree', 'remove', made.path);
    await writeFiles(made.path, { 'precious.txt': '' });
    await assertRefused('not-registered', /does not know it as a worktree/);
    assert.ok(await exists(path.join(made.path, 'precious.txt')));
  });

  it('does not delete a worktree that has lost its link to the repository', async () => {
    await fs.rm(path.join(made.path, '.git'));
    await assertRefused('damaged', /has lost its link .*`git worktree repair`/);
    assert.ok(await exists(path.join(made.path, 'README.md')));
  });

  it('never touches the main worktree', async () => {
    made = { ...made, path: repository.root };
    await assertRefused('not-registered', /does not know it as a worktree/);
    assert.equal(await repository.git('status', '--porcelain'), '');
  });

  it('minds the folder when the repository is gone, and nothing when both are', async () => {
    await fs.rm(repository.root, { recursive: true });
    await assert.rejects(remove(), { name: 'WorktreeError', reason: 'no-repository' });
    assert.ok(await exists(made.path));
    await fs.rm(path.dirname(made.path), { recursive: true });
    await remove();
  });
});
