import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { messageOf } from '../base/errors';
import { exists } from '../base/files';
import type { Logger } from '../base/log';
import { shownPath, WorktreeError } from '../domain/gitErrors';
import type { Worktree } from '../domain/session';
import type { Git } from './git';
import { complaint, GitFailure, whatIsTaken } from './gitErrors';
import { canonicalPath, removeIfEmpty } from './paths';
import { currentBranch, findWorktree, listWorktrees, resolveCommit } from './repository';

/** What to make. */
export interface WorktreeRequest {
  /** Top folder of the checkout from whose HEAD the worktree starts. */
  readonly root: string;
  /** Absolute path of the worktree. */
  readonly place: string;
  readonly branch: string;
}

/**
 * Makes a worktree on a new branch and checks that it is what was asked for. When it is not, what
 * was made is removed again. Only one may run at a time in a repository.
 * @throws {WorktreeError} naming what is in the way
 * @throws {GitFailure} when git fails otherwise
 */
export async function addWorktree(
  git: Git,
  logger: Logger,
  request: WorktreeRequest,
): Promise<Worktree> {
  const { root, place, branch } = request;
  await requireFree(git, request);
  const baseBranch = await currentBranch(git, root);
  const baseCommit = await resolveCommit(git, root, 'HEAD');
  if (baseCommit === undefined) throw new Error(`HEAD of ${root} vanished`);
  const worktree: Worktree = { path: place, branch, baseBranch, baseCommit };
  await makeParent(place);
  try {
    // The commit, not "HEAD": it may move meanwhile, and a branch name would set up tracking.
    await git.write(root, ['worktree', 'add', '-b', branch, place, baseCommit]);
    await verify(git, root, worktree);
    return worktree;
  } catch (error) {
    let wasMade = false;
    try {
      const taken = error instanceof GitFailure ? whatIsTaken(error) : undefined;
      wasMade = taken === undefined && (await isRegistered(git, root, place));
      await undo(git, root, worktree, wasMade, taken !== 'branch-taken');
    } catch (undoError) {
      logger.error(`Could not clean up after making the worktree ${place} failed`, undoError);
    }
    throw wasMade && error instanceof GitFailure ? hookFailed(place, error) : error;
  }
}

async function requireFree(git: Git, { root, place, branch }: WorktreeRequest): Promise<void> {
  if (await exists(place)) {
    throw new WorktreeError(
      'path-taken',
      `The worktree's folder ${shownPath(place)} is there already. Move it away, then try again.`,
    );
  }
  if (await isRegistered(git, root, place)) {
    throw new WorktreeError(
      'path-taken',
      `The repository already has a worktree at ${shownPath(place)}, whose folder is gone. Clear it with \`git worktree prune\`, then try again.`,
    );
  }
  // exit code 1: there is none
  const ref = ['show-ref', '--verify', '--quiet', `refs/heads/${branch}`];
  if ((await git.readOptional(root, ref)) !== undefined) {
    throw new WorktreeError(
      'branch-taken',
      `The branch ${branch} is there already. Rename or delete it, then try again.`,
    );
  }
}

/** Git would make the folder too, but would not say clearly why it cannot. */
async function makeParent(place: string): Promise<void> {
  const parent = path.dirname(place);
  try {
    await fs.mkdir(parent, { recursive: true });
  } catch (error) {
    throw new WorktreeError(
      'parent-folder',
      `The folder ${shownPath(parent)}, where worktrees go, cannot be made (${messageOf(error)}). Put that right, or start the session without a worktree.`,
      { cause: error },
    );
  }
}

async function isRegistered(git: Git, root: string, place: string): Promise<boolean> {
  return (await findWorktree(await listWorktrees(git, root), place)) !== undefined;
}

/** A hook can switch branches or commit, so success alone does not say what there is now. */
async function verify(git: Git, root: string, worktree: Worktree): Promise<void> {
  const { path: place, branch, baseCommit } = worktree;
  const entry = await findWorktree(await listWorktrees(git, root), place);
  const [top, head, checkedOut] = await Promise.all([
    git.read(place, ['rev-parse', '--show-toplevel']),
    resolveCommit(git, place, 'HEAD'),
    currentBranch(git, place),
  ]);
  const isThere = (await canonicalPath(top.replace(/\n$/, ''))) === (await canonicalPath(place));
  const isListed = entry?.branch === branch && entry.head === baseCommit;
  if (isThere && isListed && head === baseCommit && checkedOut === branch) return;
  throw new WorktreeError(
    'mismatch',
    `The worktree ${shownPath(place)} did not come out as asked for (branch ${branch} at ${baseCommit.slice(0, 10)}, found ${checkedOut ?? 'no branch'} at ${head?.slice(0, 10) ?? 'no commit'}), and was removed again. Look at the repository's post-checkout hook.`,
  );
}

/**
 * Removes what an attempt has made, and nothing that another process made at the same moment.
 * @param wasMade whether git got as far as a complete worktree; the branch is ours then wherever
 *   a hook has moved it, otherwise only while it is where we put it
 * @param isBranchOurs false when git found that the branch was there before
 */
async function undo(
  git: Git,
  root: string,
  worktree: Worktree,
  wasMade: boolean,
  isBranchOurs: boolean,
): Promise<void> {
  const { path: place, branch, baseCommit } = worktree;
  // Twice: also when a hook locked it.
  if (wasMade) await git.write(root, ['worktree', 'remove', '--force', '--force', place]);
  const tip = await resolveCommit(git, root, `refs/heads/${branch}`);
  if (isBranchOurs && tip !== undefined && (wasMade || tip === baseCommit)) {
    await git.write(root, ['update-ref', '-d', `refs/heads/${branch}`, tip]);
  }
  await removeIfEmpty(path.dirname(place));
}

/** Git removes a worktree that it could not complete; after that, only the hook can fail. */
function hookFailed(place: string, failure: GitFailure): WorktreeError {
  return new WorktreeError(
    'hook-failed',
    `The post-checkout hook of the repository failed in the worktree ${shownPath(place)}, so it was removed again: ${complaint(failure)}. Correct the hook, or start the session without a worktree.`,
    { cause: failure },
  );
}
