import assert from 'node:assert/strict';
import { shownPath, WorktreeDirtyError, WorktreeError } from '../../src/domain/gitErrors';
import { gitEnvironment } from '../../src/git/environment';
import { complaint, GitFailure, isGitMissing, toWorktreeError } from '../../src/git/gitErrors';
import { parseStatus, splitPaths } from '../../src/git/parseStatus';
import { parseWorktrees } from '../../src/git/parseWorktrees';

const failure = (stderr: string, exitCode: number | null = 128): GitFailure =>
  new GitFailure(['worktree', 'add'], '/project', exitCode, stderr);

describe('parseWorktrees', () => {
  const hash = 'afef15791c02a92a9e8468655db3beb64c91d423';

  it('reads every kind of worktree', () => {
    const output = [
      ['worktree /a b', 'bare'],
      ['worktree /line\nfeed', `HEAD ${hash}`, 'branch refs/heads/deputy/1', 'locked why\nso'],
      ['worktree /detached', `HEAD ${hash}`, 'detached', 'locked', 'prunable gone'],
      ['worktree /unborn', `HEAD ${'0'.repeat(40)}`, 'branch refs/heads/main'],
    ];
    const text = output.map((entry) => entry.map((line) => `${line}\0`).join('') + '\0').join('');
    const rest = { isBare: false, lockReason: undefined };
    assert.deepEqual(parseWorktrees(text, '\0'), [
      { ...rest, path: '/a b', head: undefined, branch: undefined, isBare: true },
      { ...rest, path: '/line\nfeed', head: hash, branch: 'deputy/1', lockReason: 'why\nso' },
      { ...rest, path: '/detached', head: hash, branch: undefined, lockReason: '' },
      { ...rest, path: '/unborn', head: undefined, branch: 'main' },
    ]);
  });

  it('reads what git writes before 2.36', () => {
    const text = `worktree /a\nHEAD ${hash}\nbranch refs/heads/main\n\nworktree /b\nHEAD ${hash}\ndetached\n\n`;
    const found = parseWorktrees(text, '\n').map((entry) => [entry.path, entry.branch]);
    assert.deepEqual(found, [
      ['/a', 'main'],
      ['/b', undefined],
    ]);
  });

  it('finds nothing in nothing', () => assert.deepEqual(parseWorktrees('', '\0'), []));
});

describe('parseStatus', () => {
  it('tells changed from untracked, whatever the names', () => {
    const output = ' M a b.txt\0A  line\nfeed\0UU ?? odd\0?? new/\0?? ü.txt\0';
    assert.deepEqual(parseStatus(output), {
      changed: ['a b.txt', 'line\nfeed', '?? odd'],
      untracked: ['new/', 'ü.txt'],
    });
  });

  it('splits lists of paths', () => {
    assert.deepEqual(splitPaths(''), []);
    assert.deepEqual(splitPaths('a\0b c\0'), ['a', 'b c']);
  });
});

describe('gitErrors', () => {
  const messages: readonly [string, string][] = [
    ["fatal: a branch named 'deputy/1' already exists", 'branch-taken'],
    [
      "fatal: cannot lock ref 'refs/heads/d/1': 'refs/heads/d' exists; cannot create",
      'branch-taken',
    ],
    ["Preparing worktree (new branch 'b')\nfatal: '/w' already exists", 'path-taken'],
    ["fatal: '/w' is a missing but already registered worktree;\nuse 'add -f'", 'path-taken'],
    ["fatal: cannot remove a locked working tree, lock reason: '/w' already exists", 'locked'],
    ["fatal: Unable to create '/r/.git/index.lock': File exists.", 'busy'],
    ["fatal: detected dubious ownership in repository at '/r'", 'unusable-repository'],
    ['fatal: not a git repository: /r/.git/worktrees/w', 'no-repository'],
    ['fatal: something else', 'git-failed'],
    ['', 'git-failed'],
  ];
  for (const [stderr, reason] of messages) {
    it(`reads ${JSON.stringify(stderr)} as ${reason}`, () => {
      const error = toWorktreeError(failure(stderr), 'make it');
      assert.ok(error instanceof WorktreeError);
      assert.equal(error.reason, reason);
      assert.match(error.message, /^Git could not make it: .+\. [A-Z].+\.$/);
    });
  }

  it('passes on whatever git did not say', () => {
    const other = new TypeError('defect');
    assert.equal(toWorktreeError(other, 'make it'), other);
  });

  it('says in one line what is wrong, without what git reports on the way', () => {
    const stderr = "Preparing worktree (new branch 'b')\nfatal: first\nsecond.";
    assert.equal(complaint(failure(stderr)), 'first second');
    assert.equal(complaint(failure('hook: no luck', 3)), 'hook: no luck');
    assert.equal(complaint(failure('', 3)), 'it ended with 3');
    assert.equal(complaint(failure('', null)), 'it ended with a signal');
  });

  it('knows a git that is not there from one that says so', () => {
    const stderr = 'Error: spawn git ENOENT\n    at ChildProcess';
    assert.equal(isGitMissing(failure(stderr, -2)), true);
    assert.equal(isGitMissing(failure(stderr, 1)), false);
    const xcode = 'xcrun: error: invalid active developer path (/Library/Developer)';
    assert.equal(isGitMissing(failure(xcode, 1)), true);
    assert.equal(isGitMissing(new Error('spawn git ENOENT')), false);
  });
});

describe('gitEnvironment', () => {
  it('drops what misleads git or asks somebody, in any case, and keeps the rest', () => {
    const surrounding = {
      Path: '/bin',
      GIT_DIR: 'x',
      git_index_file: 'x',
      GIT_CONFIG_GLOBAL: '/config',
      GIT_ASKPASS: 'x',
      SSH_ASKPASS: 'x',
      VSCODE_GIT_IPC_HANDLE: 'x',
      ELECTRON_RUN_AS_NODE: '1',
      EDITOR: 'vi',
    };
    const fixed = { LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_PAGER: 'cat', GIT_EDITOR: ':' };
    const kept = { Path: '/bin', GIT_CONFIG_GLOBAL: '/config' };
    assert.deepEqual(gitEnvironment(surrounding, true), { ...kept, ...fixed });
    assert.deepEqual(gitEnvironment(surrounding, false), {
      ...kept,
      ...fixed,
      GIT_OPTIONAL_LOCKS: '0',
    });
  });
});

describe('WorktreeDirtyError', () => {
  it('counts every kind of loss and names repositories first', () => {
    const error = new WorktreeDirtyError('/w', {
      changed: ['c'],
      untracked: ['u', 'v'],
      commits: 2,
      nestedRepositories: ['n'],
    });
    assert.deepEqual(error.paths, ['n', 'c', 'u', 'v']);
    assert.match(
      error.message,
      /^The worktree \/w was not removed, because it holds 1 nested repository, 1 changed file, 2 untracked files, 2 commits that its base has not \(n, c, u, v\)\. /,
    );
  });

  it('quotes paths only when they would break the message', () => {
    assert.equal(shownPath('/two words/ü'), '/two words/ü');
    assert.equal(shownPath('/line\nfeed'), '"/line\\nfeed"');
  });
});
