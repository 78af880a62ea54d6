import * as path from 'node:path';
import { exists } from '../base/files';
import { shownPath, WorktreeError } from '../domain/gitErrors';
import type { RepositoryState } from '../session/ports';
import { isFolder, type Git } from './git';
import { GitFailure, isNoRepository, whyUnusable } from './gitErrors';
import { canonicalPath } from './paths';
import { parseWorktrees, type WorktreeEntry } from './parseWorktrees';

/** See {@link GitPort.inspect}. */
export async function inspectRepository(git: Git, folder: string): Promise<RepositoryState> {
  if (!(await isFolder(folder))) return { kind: 'none' };
  const shown = shownPath(folder);
  try {
    const answers = await git.read(folder, [
      'rev-parse',
      '--is-inside-work-tree',
      '--is-bare-repository',
    ]);
    const [isInside, isBare] = answers.split('\n').map((answer) => answer === 'true');
    if (isBare === true) {
      return unusable(
        `${shown} is a bare repository, without files to work on. Open a clone or a worktree of it instead.`,
      );
    }
    if (isInside !== true) {
      return unusable(`${shown} is git's own folder. Open the folder of the project instead.`);
    }
    const root = await topFolder(git, folder);
    if ((await resolveCommit(git, root, 'HEAD')) === undefined) {
      return unusable(
        `The repository at ${shownPath(root)} has no commit yet that a worktree could start from. Make a first commit, then try again.`,
      );
    }
    return { kind: 'repository', root };
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    return isNoRepository(error) ? { kind: 'none' } : unusable(whyUnusable(error));
  }
}

function unusable(why: string): RepositoryState {
  return { kind: 'unusable', why };
}

/**
 * The top folder of the checkout that `folder` is in, ready for worktrees to be made.
 * @throws {WorktreeError} when {@link inspectRepository} finds anything but a usable repository
 */
export async function requireRepository(git: Git, folder: string): Promise<string> {
  const state = await inspectRepository(git, folder);
  switch (state.kind) {
    case 'repository':
      return state.root;
    case 'unusable':
      throw new WorktreeError('unusable-repository', state.why);
    case 'none':
      throw new WorktreeError(
        'no-repository',
        `${shownPath(folder)} is not in a git repository. Open one, or start the session without a worktree.`,
      );
  }
}

/**
 * Makes sure that git, when started in a worktree's folder, works on that worktree: without its
 * `.git` it would look for a repository further up, and might find another one.
 * @throws {WorktreeError} when the folder, or the `.git` in it, is missing
 */
export async function requireLinked(folder: string): Promise<void> {
  if (await exists(path.join(folder, '.git'))) return;
  if (await exists(folder)) {
    throw new WorktreeError(
      'damaged',
      `The worktree ${shownPath(folder)} has lost its link to the repository (its .git file is missing). Restore it with \`git worktree repair\`, or look at what the folder holds and delete it yourself.`,
    );
  }
  throw new WorktreeError(
    'folder-gone',
    `The folder of the worktree ${shownPath(folder)} is gone.`,
  );
}

/** The folder with what all worktrees of a repository share, canonical: its identity. */
export async function commonFolder(git: Git, folder: string): Promise<string> {
  return canonicalPath(await askPath(git, folder, ['--git-common-dir']));
}

/** Git's own folder for the worktree at `folder`. */
export function adminFolder(git: Git, folder: string): Promise<string> {
  return askPath(git, folder, ['--git-dir']);
}

function topFolder(git: Git, folder: string): Promise<string> {
  return askPath(git, folder, ['--show-toplevel']);
}

/** A path that `git rev-parse` prints, as an absolute one. */
async function askPath(git: Git, folder: string, question: readonly string[]): Promise<string> {
  const answer = await git.read(folder, ['rev-parse', ...question]);
  // Names may end in line feeds: only the last one is git's.
  return path.resolve(folder, answer.replace(/\n$/, ''));
}

/** The full hash of a commit, or undefined when `revision` names none. */
export async function resolveCommit(
  git: Git,
  folder: string,
  revision: string,
): Promise<string | undefined> {
  const args = ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`];
  return (await git.readOptional(folder, args))?.trim();
}

/** The branch that is checked out at `folder`, or undefined when HEAD is detached. */
export async function currentBranch(git: Git, folder: string): Promise<string | undefined> {
  const answer = await git.readOptional(folder, ['symbolic-ref', '--quiet', 'HEAD']);
  return answer?.trim().replace(/^refs\/heads\//, '');
}

/** How many commits can be reached from `tips`, but not from `bases`. */
export async function countCommits(
  git: Git,
  folder: string,
  tips: readonly string[],
  bases: readonly string[],
): Promise<number> {
  const args = ['rev-list', '--count', ...tips, ...bases.map((base) => `^${base}`)];
  return Number(await git.read(folder, args));
}

/** All worktrees of the repository, the main one first. */
export async function listWorktrees(git: Git, folder: string): Promise<WorktreeEntry[]> {
  const args = ['worktree', 'list', '--porcelain'];
  try {
    return parseWorktrees(await git.read(folder, [...args, '-z']), '\0');
  } catch (error) {
    // Exit code 129: git is older than 2.36 and does not know `-z` here.
    if (!(error instanceof GitFailure) || error.exitCode !== 129) throw error;
    return parseWorktrees(await git.read(folder, args), '\n');
  }
}

/** The entry for the worktree at `place`, however that is written, or undefined. */
export async function findWorktree(
  entries: readonly WorktreeEntry[],
  place: string,
): Promise<WorktreeEntry | undefined> {
  const wanted = await canonicalPath(place);
  for (const entry of entries) {
    if ((await canonicalPath(entry.path)) === wanted) return entry;
  }
  return undefined;
}

/**
 * The folder beside which worktrees are put: that of the main worktree, or for a submodule that of
 * the outermost repository around it, so that no repository gets a folder that it does not know.
 * @param root top folder of any checkout of the repository
 */
export async function mainFolder(git: Git, root: string): Promise<string> {
  let main = await mainCheckout(git, root);
  for (;;) {
    const around = await git.read(main, ['rev-parse', '--show-superproject-working-tree']);
    if (around === '') return main;
    main = path.resolve(around.replace(/\n$/, ''));
  }
}

async function mainCheckout(git: Git, root: string): Promise<string> {
  const common = await commonFolder(git, root);
  if ((await canonicalPath(await adminFolder(git, root))) === common) return root;
  const [main] = await listWorktrees(git, root);
  if (!main) return root;
  if (main.isBare || (await canonicalPath(main.path)) !== common) return path.resolve(main.path);
  // Git's folder lies apart from the checkout (a submodule, or --separate-git-dir), and git lists
  // the former. Only for submodules does it remember the latter.
  const checkout = await git.readOptional(root, ['config', '--get', 'core.worktree']);
  return checkout === undefined ? root : path.resolve(common, checkout.replace(/\n$/, ''));
}
