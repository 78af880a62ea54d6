import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { exists } from '../../src/base/files';
import { GitWorktrees } from '../../src/git/worktrees';
import {
  commitAll,
  gitIn,
  isolatedEnvironment,
  ScratchRepository,
  writeFiles,
} from '../support/scratchRepository';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

describe('GitWorktrees that adds a worktree', function () {
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

  it('puts a new branch at HEAD beside the repository and remembers where it came from', async () => {
    const head = await repository.git('rev-parse', 'HEAD');
    const made = await worktrees.addWorktree(repository.root, 'abcd1234');
    assert.deepEqual(made, {
      path: path.join(scratch, 'project.worktrees', 'abcd1234'),
      branch: 'deputy/abcd1234',
      baseBranch: 'main',
      baseCommit: head,
    });
    assert.equal(await gitIn(made.path, 'symbolic-ref', 'HEAD'), 'refs/heads/deputy/abcd1234');
    assert.equal(await gitIn(made.path, 'rev-parse', 'HEAD'), head);
    assert.equal(await fs.readFile(path.join(made.path, 'README.md'), 'utf8'), 'hello\n');
  });

  it('uses the prefix and the place that it is given', async () => {
    const own = new GitWorktrees({
      environment: isolatedEnvironment(),
      branchPrefix: 'work-',
      placement: (main, id) => path.join(path.dirname(main), 'elsewhere', `s${id}`),
    });
    const made = await own.addWorktree(repository.root, 'abcd1234');
    assert.equal(made.path, path.join(scratch, 'elsewhere', 'sabcd1234'));
    assert.equal(await gitIn(made.path, 'branch', '--show-current'), 'work-abcd1234');
  });

  it('has no base branch when HEAD is detached', async () => {
    await repository.git('checkout', '--quiet', '--detach');
    const made = await worktrees.addWorktree(repository.root, 'abcd1234');
    assert.equal(made.baseBranch, undefined);
    assert.equal(made.baseCommit, await repository.git('rev-parse', 'HEAD'));
  });

  it('starts at the HEAD of a linked worktree, but goes beside the main one', async () => {
    const linked = path.join(scratch, 'far', 'linked');
    await repository.git('worktree', 'add', '--quiet', '-b', 'feature', linked);
    await writeFiles(linked, { 'new.txt': 'x' });
    const head = await commitAll(linked);
    assert.deepEqual(await worktrees.addWorktree(linked, 'abcd1234'), {
      path: path.join(scratch, 'project.worktrees', 'abcd1234'),
      branch: 'deputy/abcd1234',
      baseBranch: 'feature',
      baseCommit: head,
    });
  });

  it('works from a linked worktree of a bare repository', async () => {
    const bare = path.join(scratch, 'bare.git');
    await repository.git('clone', '--quiet', '--bare', '.', bare);
    const linked = path.join(scratch, 'linked');
    await gitIn(bare, 'worktree', 'add', '--quiet', linked, 'main');
    const made = await worktrees.addWorktree(linked, 'abcd1234');
    assert.equal(made.path, path.join(scratch, 'bare.git.worktrees', 'abcd1234'));
  });

  it('puts the worktree of a submodule beside the repository that holds it', async () => {
    const part = await ScratchRepository.make(path.join(scratch, 'part'));
    const allow = ['-c', 'protocol.file.allow=always'];
    await repository.git(...allow, 'submodule', '--quiet', 'add', part.root, 'lib');
    await repository.git('commit', '--quiet', '--message=lib');
    const inside = path.join(repository.root, 'lib');
    const first = await worktrees.addWorktree(inside, 'abcd1234');
    assert.equal(first.path, path.join(scratch, 'project.worktrees', 'abcd1234'));
    const second = await worktrees.addWorktree(first.path, 'abcd5678');
    assert.equal(second.path, path.join(scratch, 'project.worktrees', 'abcd5678'));
    assert.equal(await repository.git('status', '--porcelain'), '');
  });

  it('makes four one after the other when asked for at once, from different folders', async () => {
    // Fails when another one is at work; the command in between makes that likely.
    const alone = 'busy="$(git rev-parse --git-common-dir)/busy"; mkdir "$busy" || exit 1';
    await repository.setHook('post-checkout', `${alone}; git gc --quiet; rmdir "$busy"`);
    const below = path.join(repository.root, 'src');
    await fs.mkdir(below);
    const ids = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'dddddddd'];
    const made = await Promise.all(
      ids.map((id, n) => worktrees.addWorktree(n % 2 ? below : repository.root, id)),
    );
    assert.deepEqual(
      made.map(({ branch }) => branch),
      ids.map((id) => `deputy/${id}`),
    );
    for (const { path: place, branch } of made) {
      assert.equal(await gitIn(place, 'branch', '--show-current'), branch);
    }
    await Promise.all(made.map((one) => worktrees.removeWorktree(below, one)));
    assert.deepEqual(await fs.readdir(scratch), ['project']);
  });

  const names = ['two words', 'Übung 日本 🚀', ...(process.platform === 'win32' ? [] : ['a\nb\n'])];
  for (const name of names) {
    it(`works in a folder named ${JSON.stringify(name)}`, async () => {
      const named = await ScratchRepository.make(path.join(scratch, name, name));
      const made = await worktrees.addWorktree(named.root, 'abcd1234');
      assert.equal(made.path, path.join(scratch, name, `${name}.worktrees`, 'abcd1234'));
      await writeFiles(made.path, { [`${name}.txt`]: 'x' });
      assert.equal(await worktrees.countChangedFiles(made), 1);
      await fs.rm(path.join(made.path, `${name}.txt`));
      await worktrees.removeWorktree(named.root, made);
      assert.deepEqual(await fs.readdir(path.join(scratch, name)), [name]);
    });
  }

  it("leaves the user's checkout, index, stash and configuration alone", async () => {
    await repository.git('config', 'branch.autoSetupMerge', 'always');
    await writeFiles(repository.root, { 'README.md': 'stashed' });
    await repository.git('stash');
    await writeFiles(repository.root, { 'README.md': 'staged', 'new.txt': '', 'ignored/x': '' });
    await repository.git('add', 'README.md');
    await writeFiles(repository.root, { '.gitignore': 'ignored/\n*.log\n' });
    const before = await repository.snapshot();
    const made = await worktrees.addWorktree(repository.root, 'abcd1234');
    await worktrees.inspect(repository.root);
    const during = await repository.snapshot();
    assert.match(during['branches'] ?? '', /deputy\/abcd1234/);
    const { branches, worktrees: list } = before;
    assert.deepEqual({ ...during, branches, worktrees: list }, before);
    await worktrees.removeWorktree(repository.root, made);
    assert.deepEqual(await repository.snapshot(), before);
  });

  it('runs the post-checkout hook in the worktree, with nobody to ask', async () => {
    await repository.setHook('post-checkout', 'cat > input.txt; git var GIT_EDITOR > editor.txt');
    const made = await worktrees.addWorktree(repository.root, 'abcd1234');
    assert.equal(await fs.readFile(path.join(made.path, 'input.txt'), 'utf8'), '');
    assert.equal(await fs.readFile(path.join(made.path, 'editor.txt'), 'utf8'), ':\n');
  });

  it('does not hang on a file system monitor that reads its input', async () => {
    await repository.setHook('monitor', 'cat > /dev/null; exit 1');
    const monitor = path.join(repository.root, '.git', 'hooks', 'monitor');
    await repository.git('config', 'core.fsmonitor', monitor);
    const made = await worktrees.addWorktree(repository.root, 'abcd1234');
    assert.equal(await worktrees.countChangedFiles(made), 0);
  });

  it('takes no id that would lead elsewhere', async () => {
    for (const id of ['../out', '..', '-b', '', 'a b']) {
      await assert.rejects(worktrees.addWorktree(repository.root, id), /Not a session id/);
    }
    assert.equal(await exists(path.join(scratch, 'out')), false);
  });
});
