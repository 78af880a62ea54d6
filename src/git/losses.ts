import * as path from 'node:path';
import { exists } from '../base/files';
import type { WorktreeLosses } from '../domain/gitErrors';
import type { Worktree } from '../domain/session';
import type { Git } from './git';
import { findNestedRepositories } from './nestedRepositories';
import { parseStatus, splitPaths } from './parseStatus';
import type { WorktreeEntry } from './parseWorktrees';
import { adminFolder, countCommits, resolveCommit } from './repository';

/** Everything is said explicitly: the user's status.* and diff.* settings can hide files. */
const STATUS = [
  'status',
  '--porcelain=v1',
  '-z',
  '--no-renames',
  '--untracked-files=all',
  '--ignore-submodules=none',
];

/** Files in a folder's checkout that are changed or untracked, and not committed. */
export async function countUncommitted(git: Git, folder: string): Promise<number> {
  const { changed, untracked } = parseStatus(await git.read(folder, STATUS));
  return changed.length + untracked.length;
}

/** What removing the worktree would destroy. Its folder must be there and linked. */
export async function findLosses(
  git: Git,
  entry: WorktreeEntry,
  worktree: Worktree,
): Promise<WorktreeLosses> {
  const folder = worktree.path;
  const [files, nested, branchTip, admin] = await Promise.all([
    git.read(folder, STATUS),
    findNestedRepositories(folder),
    resolveCommit(git, folder, `refs/heads/${worktree.branch}`),
    adminFolder(git, folder),
  ]);
  const nestedRepositories = await withoutTracked(git, folder, nested);
  // The repository of a submodule stays there when the submodule's own folder is emptied.
  if (nestedRepositories.length === 0 && (await exists(path.join(admin, 'modules')))) {
    nestedRepositories.push('.git/modules');
  }
  const tips = [entry.head, branchTip].filter((tip) => tip !== undefined);
  const { changed, untracked } = parseStatus(files);
  return {
    changed,
    // Git lists a nested repository as an untracked path that ends in a slash.
    untracked: untracked.filter((file) => !nestedRepositories.includes(file.replace(/\/$/, ''))),
    commits: tips.length === 0 ? 0 : await countCommits(git, folder, tips, [worktree.baseCommit]),
    nestedRepositories,
  };
}

/** Commits on the detached HEAD of a worktree whose folder is gone, that nothing else leads to. */
export async function countUnreachable(
  git: Git,
  folder: string,
  entry: WorktreeEntry,
  worktree: Worktree,
): Promise<number> {
  if (entry.branch !== undefined || entry.head === undefined) return 0;
  const args = ['rev-list', '--count', entry.head, '--not', worktree.baseCommit];
  return Number(await git.read(folder, [...args, '--branches', '--tags', '--remotes']));
}

/** True when nothing would be lost. */
export function isNothing(losses: WorktreeLosses): boolean {
  const { changed, untracked, commits, nestedRepositories } = losses;
  return changed.length + untracked.length + commits + nestedRepositories.length === 0;
}

/** The number of files in the worktree that differ from its base commit. */
export async function countChanged(git: Git, worktree: Worktree): Promise<number> {
  const [tracked, untracked] = await Promise.all([
    git.read(worktree.path, [
      'diff',
      '--name-only',
      '-z',
      '--no-renames',
      '--no-ext-diff',
      worktree.baseCommit,
    ]),
    git.read(worktree.path, ['ls-files', '--others', '--exclude-standard', '-z']),
  ]);
  // A file that was taken out of the index, but not out of the folder, is in both lists.
  return new Set([...splitPaths(tracked), ...splitPaths(untracked)]).size;
}

/** A repository whose own files are tracked (a fixture, say) is as safe as any tracked file. */
async function withoutTracked(
  git: Git,
  folder: string,
  nested: readonly string[],
): Promise<string[]> {
  const kept: string[] = [];
  for (const place of nested) {
    const args = ['ls-files', '-z', '--', `:(literal)${place}/HEAD`];
    if ((await git.read(folder, args)) === '') kept.push(place);
  }
  return kept;
}
