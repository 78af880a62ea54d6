import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { WorktreeError, type WorktreeErrorReason } from '../../src/domain/gitErrors';
import { GitWorktrees } from '../../src/git/worktrees';
import { isolatedEnvironment, ScratchRepository, writeFiles } from '../support/scratchRepository';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

describe('GitWorktrees that cannot add', function () {
  // Each step is a few processes, which are slow to start on some systems.
  this.timeout(20_000);

  let scratch: string;
  let repository: ScratchRepository;
  let worktrees: GitWorktrees;

  beforeEach(async () => {
    scratch = await makeTempFolder();
    repository = await ScratchRepository.make(path.join(scratch, 'project'));
    worktrees = new GitWorktrees({ environment: isolatedEnvironment() });
  });

  afterEach(() => removeTempFolder(scratch));

  /** Adding must fail for `reason`, with `message`, and leave the repository and its surroundings as they were. */
  async function assertRefused(reason: WorktreeErrorReason, message: RegExp): Promise<void> {
    const before = [await repository.snapshot(), await fs.readdir(scratch)];
    await assert.rejects(worktrees.addWorktree(repository.root, 'abcd1234'), (error) => {
      assert.ok(error instanceof WorktreeError, String(error));
      assert.match(error.message, message);
      assert.equal(error.reason, reason);
      return true;
    });
    assert.deepEqual([await repository.snapshot(), await fs.readdir(scratch)], before);
  }

  it('names a branch that is in the way', async () => {
    await repository.git('branch', 'deputy/abcd1234');
    await assertRefused('branch-taken', /branch deputy\/abcd1234 is there already/);
  });

  it('names a branch that leaves no room for its own', async () => {
    await repository.git('branch', 'deputy');
    await assertRefused('branch-taken', /'refs\/heads\/deputy' exists.*Rename or delete/);
  });

  it('names a folder that is in the way, even an empty one', async () => {
    await fs.mkdir(path.join(scratch, 'project.worktrees', 'abcd1234'), { recursive: true });
    await assertRefused('path-taken', /project\.worktrees.abcd1234 is there already/);
  });

  it('names a registration that is in the way', async () => {
    const place = path.join(scratch, 'project.worktrees', 'abcd1234');
    await repository.git('worktree', 'add', '--quiet', '-b', 'old', place);
    await fs.rm(path.dirname(place), { recursive: true });
    await assertRefused('path-taken', /already has a worktree at .*git worktree prune/);
  });

  it('says when the folder for worktrees cannot be made', async () => {
    await writeFiles(scratch, { 'project.worktrees': 'a file' });
    await assertRefused('parent-folder', /project\.worktrees, where worktrees go, cannot be made/);
  });

  it('says when another git holds a lock', async () => {
    await writeFiles(repository.root, { '.git/refs/heads/deputy/abcd1234.lock': '' });
    await assertRefused('busy', /Another git process is at work/);
  });

  it('leaves nothing behind when the files cannot be checked out', async () => {
    await repository.commit({ '.gitattributes': 'README.md filter=broken\n' });
    await repository.git('config', 'filter.broken.smudge', 'false');
    // Asking for the status may need the way back, which works.
    await repository.git('config', 'filter.broken.clean', 'cat');
    await repository.git('config', 'filter.broken.required', 'true');
    await assertRefused('git-failed', /README\.md: smudge filter broken failed/);
  });

  it('leaves nothing behind when the post-checkout hook fails, with or without a word', async () => {
    await repository.setHook('post-checkout', 'echo made > made.txt; echo no luck >&2; exit 3');
    await assertRefused('hook-failed', /post-checkout hook .* failed .*no luck/);
    await repository.setHook('post-checkout', 'exit 3');
    await assertRefused('hook-failed', /post-checkout hook .* failed/);
  });

  it('leaves nothing behind when the hook turns the worktree into something else', async () => {
    const asked = 'git commit --allow-empty --quiet --message=hook';
    await repository.setHook('post-checkout', asked);
    await assertRefused('mismatch', /did not come out as asked for/);
    await repository.setHook('post-checkout', 'git symbolic-ref HEAD refs/heads/main');
    await assertRefused('mismatch', /did not come out as asked for/);
  });
});
