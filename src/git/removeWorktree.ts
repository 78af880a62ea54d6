import * as path from 'node:path';
import { exists } from '../base/files';
import { shownPath, WorktreeDirtyError, WorktreeError } from '../domain/gitErrors';
import type { Worktree } from '../domain/session';
import type { Git } from './git';
import { GitFailure, isDirtyRefusal } from './gitErrors';
import { countUnreachable, findLosses, isNothing } from './losses';
import { canonicalPath, isWithin, removeIfEmpty } from './paths';
import type { WorktreeEntry } from './parseWorktrees';
import {
  countCommits,
  findWorktree,
  listWorktrees,
  requireLinked,
  resolveCommit,
} from './repository';

/**
 * Removes a worktree, its branch when that has no commits of its own, and the folder around it
 * when that is empty. Only one may run at a time in a repository.
 * @param start a folder of the repository
 * @throws {WorktreeDirtyError} when work would be lost
 * @throws {WorktreeError} when it is locked, damaged or not a worktree of the repository
 * @throws {GitFailure} when git fails otherwise
 */
export async function removeWorktree(git: Git, start: string, worktree: Worktree): Promise<void> {
  const entries = await listWorktrees(git, start);
  const folder = await outside(entries, start, worktree.path);
  const entry = await findWorktree(entries.slice(1), worktree.path);
  const isThere = await exists(worktree.path);
  if (entry) {
    requireUnlocked(entry, worktree.path);
    await (isThere
      ? removeWithFolder(git, folder, entry, worktree)
      : removeRegistration(git, folder, entry, worktree));
  } else if (isThere) {
    throw new WorktreeError(
      'not-registered',
      `${shownPath(worktree.path)} was not removed: the repository does not know it as a worktree. Restore the link with \`git worktree repair\`, or look at what the folder holds and delete it yourself.`,
    );
  }
  await removeBranch(git, folder, worktree);
  await removeIfEmpty(path.dirname(worktree.path));
}

/** A folder to run git in that is not about to vanish (and that Windows therefore lets go). */
async function outside(
  entries: readonly WorktreeEntry[],
  start: string,
  place: string,
): Promise<string> {
  const main = entries[0];
  const isInside = isWithin(await canonicalPath(place), await canonicalPath(start));
  return isInside && main ? path.resolve(main.path) : start;
}

function requireUnlocked(entry: WorktreeEntry, place: string): void {
  if (entry.lockReason === undefined) return;
  const why = entry.lockReason === '' ? '' : ` (${entry.lockReason})`;
  throw new WorktreeError(
    'locked',
    `The worktree ${shownPath(place)} is locked${why}. Unlock it with \`git worktree unlock\`, then try again.`,
  );
}

async function removeWithFolder(
  git: Git,
  folder: string,
  entry: WorktreeEntry,
  worktree: Worktree,
): Promise<void> {
  await requireLinked(worktree.path);
  await requireNoLosses(git, entry, worktree);
  try {
    // Without --force, so that git looks once more. It goes by the user's settings, which can hide
    // untracked files from it.
    await git.write(folder, [
      '-c',
      'status.showUntrackedFiles=all',
      'worktree',
      'remove',
      worktree.path,
    ]);
  } catch (error) {
    if (error instanceof GitFailure && isDirtyRefusal(error)) {
      await requireNoLosses(git, entry, worktree);
    }
    throw error;
  }
}

async function requireNoLosses(git: Git, entry: WorktreeEntry, worktree: Worktree): Promise<void> {
  const losses = await findLosses(git, entry, worktree);
  if (!isNothing(losses)) throw new WorktreeDirtyError(worktree.path, losses);
}

/** Only this one: `git worktree prune` would clear those of the user as well. */
async function removeRegistration(
  git: Git,
  folder: string,
  entry: WorktreeEntry,
  worktree: Worktree,
): Promise<void> {
  const commits = await countUnreachable(git, folder, entry, worktree);
  if (commits > 0) {
    const losses = { changed: [], untracked: [], nestedRepositories: [], commits };
    throw new WorktreeDirtyError(worktree.path, losses);
  }
  await git.write(folder, ['worktree', 'remove', '--force', worktree.path]);
}

/** Deletes the branch, unless it has commits of its own or is checked out somewhere. */
async function removeBranch(git: Git, folder: string, worktree: Worktree): Promise<void> {
  const ref = `refs/heads/${worktree.branch}`;
  const tip = await resolveCommit(git, folder, ref);
  if (tip === undefined) return;
  if ((await countCommits(git, folder, [tip], [worktree.baseCommit])) > 0) return;
  const entries = await listWorktrees(git, folder);
  if (entries.some(({ branch }) => branch === worktree.branch)) return;
  // Only if it still is where we have just seen it.
  await git.write(folder, ['update-ref', '-d', ref, tip]);
}
