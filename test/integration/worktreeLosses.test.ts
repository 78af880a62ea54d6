import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { exists } from '../../src/base/files';
import { shownPath, WorktreeDirtyError, type WorktreeLosses } from '../../src/domain/gitErrors';
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

describe('GitWorktrees with work in a worktree', function () {
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

  /** Removing must fail on account of `expected`, and remove nothing. */
  async function assertDirty(expected: Partial<WorktreeLosses>): Promise<WorktreeDirtyError> {
    const before = [await branches(), await fs.readdir(made.path, { recursive: true })];
    const failure: unknown = await remove().catch((error: unknown) => error);
    assert.ok(failure instanceof WorktreeDirtyError, String(failure));
    assert.deepEqual(failure.losses, {
      changed: [],
      untracked: [],
      commits: 0,
      nestedRepositories: [],
      ...expected,
    });
    assert.deepEqual([await branches(), await fs.readdir(made.path, { recursive: true })], before);
    return failure;
  }

  describe('countChangedFiles', () => {
    it('counts committed, staged, changed, deleted and untracked files once each', async () => {
      assert.equal(await worktrees.countChangedFiles(made), 0);
      await writeFiles(made.path, { 'committed.txt': 'a', 'dir/ü\u00a0x.txt': 'a' });
      await commitAll(made.path);
      assert.equal(await worktrees.countChangedFiles(made), 2);
      await writeFiles(made.path, { 'committed.txt': 'b', 'staged.txt': 'c', 'README.md': 'd' });
      await gitIn(made.path, 'add', 'staged.txt');
      assert.equal(await worktrees.countChangedFiles(made), 4);
      await writeFiles(made.path, { 'un/tracked.txt': 'e', 'un/other.txt': '', 'ignored/x': '' });
      await fs.rm(path.join(made.path, '.gitignore'));
      await writeFiles(made.path, { '.git-keeps-ignoring': '' });
      // .gitignore is deleted, so ignored/x shows; and .git-keeps-ignoring is one more.
      assert.equal(await worktrees.countChangedFiles(made), 9);
      await gitIn(made.path, 'rm', '--quiet', '--cached', 'README.md');
      assert.equal(await worktrees.countChangedFiles(made), 9);
    });

    it('does not count what has been changed back', async () => {
      await writeFiles(made.path, { 'README.md': 'changed' });
      await commitAll(made.path);
      await writeFiles(made.path, { 'README.md': 'hello\n', 'ignored/x': '' });
      assert.equal(await worktrees.countChangedFiles(made), 0);
    });

    it('says when the folder or its link to the repository is gone', async () => {
      await fs.rm(path.join(made.path, '.git'));
      const count = (): Promise<number> => worktrees.countChangedFiles(made);
      await assert.rejects(count, { name: 'WorktreeError', reason: 'damaged' });
      await fs.rm(made.path, { recursive: true });
      await assert.rejects(count, { name: 'WorktreeError', reason: 'folder-gone' });
    });
  });

  describe('removeWorktree', () => {
    it('refuses to lose uncommitted changes', async () => {
      await writeFiles(made.path, { 'README.md': 'changed' });
      const failure = await assertDirty({ changed: ['README.md'] });
      assert.equal(
        failure.message,
        `The worktree ${made.path} was not removed, because it holds 1 changed file (README.md). ` +
          'Merge or copy what you want to keep; then remove the worktree yourself with `git worktree remove --force`.',
      );
    });

    it('refuses to lose staged changes, also when they were undone in the folder', async () => {
      await writeFiles(made.path, { 'new.txt': 'x', 'README.md': 'changed' });
      await gitIn(made.path, 'add', '.');
      await fs.rm(path.join(made.path, 'new.txt'));
      await writeFiles(made.path, { 'README.md': 'hello\n' });
      await assertDirty({ changed: ['README.md', 'new.txt'] });
    });

    it('refuses to lose untracked files, also when the settings hide them', async () => {
      await repository.git('config', 'status.showUntrackedFiles', 'no');
      const odd = process.platform === 'win32' ? 'two words' : 'line\nfeed';
      await writeFiles(made.path, { 'a/b.txt': '', [odd]: '' });
      const failure = await assertDirty({ untracked: ['a/b.txt', odd] });
      assert.ok(failure.message.includes(`2 untracked files (a/b.txt, ${shownPath(odd)})`));
    });

    it('refuses to lose commits', async () => {
      await writeFiles(made.path, { 'new.txt': 'x' });
      await commitAll(made.path);
      await assertDirty({ commits: 1 });
      await gitIn(made.path, 'checkout', '--quiet', '--detach', 'main');
      await assertDirty({ commits: 1 });
    });

    it('refuses to lose commits on a detached HEAD', async () => {
      await gitIn(made.path, 'checkout', '--quiet', '--detach');
      await writeFiles(made.path, { 'new.txt': 'x' });
      await commitAll(made.path);
      await assertDirty({ commits: 1 });
    });

    it('names five of the paths and counts the others', async () => {
      const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
      await writeFiles(made.path, Object.fromEntries(names.map((name) => [name, ''])));
      const failure = await assertDirty({ untracked: names });
      assert.deepEqual(failure.paths, names.slice(0, 5));
      assert.match(failure.message, /\(a, b, c, d, e and 2 more\)/);
    });

    it('refuses to lose a nested repository, also in an ignored folder', async () => {
      await ScratchRepository.make(path.join(made.path, 'ignored', 'deep', 'clone'));
      await assertDirty({ nestedRepositories: ['ignored/deep/clone'] });
      await ScratchRepository.make(path.join(made.path, 'clone'));
      await gitIn(made.path, 'clone', '--quiet', '--bare', 'clone', 'ignored/bare.git');
      await repository.git('worktree', 'add', '--quiet', path.join(made.path, 'ignored', 'tree'));
      await assertDirty({
        nestedRepositories: ['clone', 'ignored/bare.git', 'ignored/deep/clone', 'ignored/tree'],
      });
    });

    it('refuses to lose the repository of a submodule, but removes one that was not fetched', async () => {
      const part = await ScratchRepository.make(path.join(scratch, 'part'));
      const allow = ['-c', 'protocol.file.allow=always'];
      await repository.git(...allow, 'submodule', '--quiet', 'add', part.root, 'lib');
      await repository.git('commit', '--quiet', '--message=lib');
      await remove();
      made = await worktrees.addWorktree(repository.root, 'eeeeeeee');
      await remove();
      assert.equal(await exists(made.path), false);

      made = await worktrees.addWorktree(repository.root, 'ffffffff');
      await gitIn(made.path, ...allow, 'submodule', '--quiet', 'update', '--init');
      await assertDirty({ nestedRepositories: ['lib'] });
      await gitIn(made.path, 'submodule', '--quiet', 'deinit', '--all', '--force');
      await assertDirty({ nestedRepositories: ['.git/modules'] });
    });
  });
});
