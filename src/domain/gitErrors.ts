import { UserError } from '../base/errors';

/** Git itself cannot be started. */
export class GitMissingError extends UserError {
  override name = 'GitMissingError';

  constructor(options?: ErrorOptions) {
    super(
      'git is not installed or not on PATH. Install it from https://git-scm.com and reload the window, or start the session without a worktree.',
      options,
    );
  }
}

/**
 * Why git could not do what was asked.
 * - `no-repository`: the folder is not in a repository, or is gone
 * - `unusable-repository`: no worktree can be made in it (bare, without a commit, not trusted by git)
 * - `path-taken`, `branch-taken`: something of that name is there already
 * - `parent-folder`: the folder that holds the worktrees cannot be made
 * - `hook-failed`: the repository's own post-checkout hook ended with an error
 * - `mismatch`: git reported success, but what it made is not what was asked for
 * - `locked`: somebody locked the worktree with `git worktree lock`
 * - `not-registered`: the folder is there, but the repository does not know it as a worktree
 * - `damaged`: the folder is there, but its link to the repository is not
 * - `folder-gone`: the worktree's folder is not there
 * - `busy`: another git process holds a lock
 * - `git-failed`: anything else; the message holds what git said
 */
export type WorktreeErrorReason =
  | 'no-repository'
  | 'unusable-repository'
  | 'path-taken'
  | 'branch-taken'
  | 'parent-folder'
  | 'hook-failed'
  | 'mismatch'
  | 'locked'
  | 'not-registered'
  | 'damaged'
  | 'folder-gone'
  | 'busy'
  | 'git-failed';

/** A worktree could not be made, read or removed. */
export class WorktreeError extends UserError {
  override name = 'WorktreeError';

  constructor(
    readonly reason: WorktreeErrorReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What removing a worktree would destroy. Paths are relative to the worktree, with slashes. */
export interface WorktreeLosses {
  /** Tracked files with changes, staged or not. */
  readonly changed: readonly string[];
  /** Files that git neither tracks nor ignores. */
  readonly untracked: readonly string[];
  /** How many commits the worktree or its branch has that its base commit has not. */
  readonly commits: number;
  /** Folders with a repository of their own, ignored ones too. */
  readonly nestedRepositories: readonly string[];
}

const MAX_PATHS = 5;

/** A worktree was not removed, because work in it would have been lost. Nothing was changed. */
export class WorktreeDirtyError extends UserError {
  override name = 'WorktreeDirtyError';
  /** Up to five of the paths that would be lost, nested repositories first. */
  readonly paths: readonly string[];

  constructor(
    /** Absolute path of the worktree. */
    readonly worktreePath: string,
    readonly losses: WorktreeLosses,
  ) {
    const all = [...losses.nestedRepositories, ...losses.changed, ...losses.untracked];
    const paths = all.slice(0, MAX_PATHS);
    super(dirtyMessage(worktreePath, losses, paths, all.length - paths.length));
    this.paths = paths;
  }
}

function dirtyMessage(
  worktreePath: string,
  losses: WorktreeLosses,
  paths: readonly string[],
  more: number,
): string {
  const counts = [
    counted(losses.nestedRepositories.length, 'nested repository', 'nested repositories'),
    counted(losses.changed.length, 'changed file', 'changed files'),
    counted(losses.untracked.length, 'untracked file', 'untracked files'),
    counted(losses.commits, 'commit that its base has not', 'commits that its base has not'),
  ].filter((text) => text !== '');
  const list = paths.map(shownPath).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return (
    `The worktree ${shownPath(worktreePath)} was not removed, because it holds ${counts.join(', ')}` +
    `${list === '' ? '' : ` (${list})`}. Merge or copy what you want to keep; ` +
    'then remove the worktree yourself with `git worktree remove --force`.'
  );
}

function counted(count: number, one: string, many: string): string {
  return count === 0 ? '' : `${count} ${count === 1 ? one : many}`;
}

/** A path as a message shows it: quoted when it holds line breaks or other control characters. */
export function shownPath(file: string): string {
  return /\p{Cc}/u.test(file) ? JSON.stringify(file) : file;
}
