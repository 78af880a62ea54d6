import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { GitMissingError } from '../../src/domain/gitErrors';
import { GitWorktrees } from '../../src/git/worktrees';
import { isolatedEnvironment, ScratchRepository, writeFiles } from '../support/scratchRepository';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

describe('GitWorktrees that inspects a folder', function () {
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

  it('finds the top folder from a folder below it', async () => {
    const below = path.join(repository.root, 'src', 'deep');
    await fs.mkdir(below, { recursive: true });
    const expected = { kind: 'repository', root: repository.root };
    assert.deepEqual(await worktrees.inspect(repository.root), expected);
    assert.deepEqual(await worktrees.inspect(below), expected);
  });

  it('takes a linked worktree for a checkout of its own', async () => {
    const linked = path.join(scratch, 'linked');
    await repository.git('worktree', 'add', '--quiet', linked);
    assert.deepEqual(await worktrees.inspect(linked), { kind: 'repository', root: linked });
  });

  it('finds nothing outside a repository and in folders that are not there', async () => {
    assert.deepEqual(await worktrees.inspect(scratch), { kind: 'none' });
    assert.deepEqual(await worktrees.inspect(path.join(scratch, 'gone')), { kind: 'none' });
    const file = path.join(repository.root, 'README.md');
    assert.deepEqual(await worktrees.inspect(file), { kind: 'none' });
  });

  const unusable: readonly [string, RegExp, () => Promise<string>][] = [
    [
      'a bare repository',
      /is a bare repository/,
      async () => {
        await repository.git('clone', '--quiet', '--bare', '.', path.join(scratch, 'bare.git'));
        return path.join(scratch, 'bare.git');
      },
    ],
    [
      'a repository without a commit',
      /has no commit yet .* Make a first commit/,
      async () => (await ScratchRepository.makeEmpty(path.join(scratch, 'empty'))).root,
    ],
    ["git's own folder", /is git's own folder/, async () => path.join(repository.root, '.git')],
    [
      'a checkout whose repository is gone',
      /Git cannot use the repository at .*: not a git repository/,
      async () => {
        await writeFiles(scratch, { 'broken/.git': 'gitdir: /nowhere/at/all\n' });
        return path.join(scratch, 'broken');
      },
    ],
  ];
  for (const [what, why, make] of unusable) {
    it(`says why ${what} is of no use, and refuses to add there`, async () => {
      const folder = await make();
      const state = await worktrees.inspect(folder);
      assert.equal(state.kind, 'unusable');
      assert.match(state.why, why);
      await assert.rejects(worktrees.addWorktree(folder, 'abcd1234'), {
        name: 'WorktreeError',
        reason: 'unusable-repository',
        message: state.why,
      });
    });
  }

  it('tells when git is not installed', async () => {
    const blind = new GitWorktrees({ environment: { ...isolatedEnvironment(), PATH: scratch } });
    await assert.rejects(blind.inspect(repository.root), (error) => {
      assert.ok(error instanceof GitMissingError, String(error));
      assert.match(error.message, /^git is not installed or not on PATH\. Install it from https/);
      return true;
    });
    await assert.rejects(blind.addWorktree(repository.root, 'abcd1234'), GitMissingError);
  });

  it('goes by the folder, not by the GIT_* variables around it', async () => {
    const other = await ScratchRepository.make(path.join(scratch, 'other'));
    const misled = new GitWorktrees({
      environment: {
        ...isolatedEnvironment(),
        GIT_DIR: path.join(other.root, '.git'),
        GIT_WORK_TREE: other.root,
        GIT_INDEX_FILE: path.join(scratch, 'index'),
        GIT_ASKPASS: 'false',
        EDITOR: 'false',
        PAGER: 'false',
      },
    });
    const expected = { kind: 'repository', root: repository.root };
    assert.deepEqual(await misled.inspect(repository.root), expected);
    const made = await misled.addWorktree(repository.root, 'abcd1234');
    assert.equal(await misled.countChangedFiles(made), 0);
  });
});
