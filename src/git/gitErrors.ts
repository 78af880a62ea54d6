// All knowledge of what git writes when something is wrong. Git runs with LC_ALL=C.
import { GitError } from 'simple-git';
import { shownPath, WorktreeError, type WorktreeErrorReason } from '../domain/gitErrors';

/** A git command ended with an exit code other than 0. Not for people: see {@link toWorktreeError}. */
export class GitFailure extends GitError {
  override name = 'GitFailure';

  constructor(
    readonly args: readonly string[],
    readonly folder: string,
    /** Null when a signal ended git; below 0 when it could not be started. */
    readonly exitCode: number | null,
    /** Trimmed. Hooks and filters of the user write here too. */
    readonly stderr: string,
  ) {
    super(undefined, `git ${args.join(' ')} ended with ${exitCode ?? 'a signal'}: ${stderr}`);
  }
}

/** True when git could not be started, or is only the placeholder that macOS puts in its place. */
export function isGitMissing(error: unknown): boolean {
  if (!(error instanceof GitFailure)) return false;
  if (error.exitCode !== null && error.exitCode < 0) {
    return /spawn \S+ (ENOENT|EACCES)/.test(error.stderr);
  }
  return /^xcrun: error|^xcode-select: /.test(error.stderr);
}

/** True when there is no repository at the folder; a broken one is something else. */
export function isNoRepository(failure: GitFailure): boolean {
  return /^fatal: not a git repository \(or any /m.test(failure.stderr);
}

/** True when `git worktree remove` saw changes that appeared after we had looked. */
export function isDirtyRefusal(failure: GitFailure): boolean {
  return /contains modified or untracked files, use --force/.test(failure.stderr);
}

interface Rule {
  readonly pattern: RegExp;
  readonly reason: WorktreeErrorReason;
  /** What the person can do about it. */
  readonly advice: string;
}

/** In order: the reason of a lock is free text and could look like any other message. */
const RULES: readonly Rule[] = [
  {
    pattern: /cannot (remove|move) a locked working tree/,
    reason: 'locked',
    advice: 'Unlock it with `git worktree unlock`, then try again.',
  },
  {
    pattern: /a branch named '.*' already exists|cannot lock ref '.*': '.*' exists/s,
    reason: 'branch-taken',
    advice: 'Rename or delete that branch, then try again.',
  },
  {
    pattern: /is a missing but already registered worktree/,
    reason: 'path-taken',
    advice: 'Clear it with `git worktree prune`, then try again.',
  },
  {
    pattern: /^fatal: '.*' already exists$/ms,
    reason: 'path-taken',
    advice: 'Move it away, then try again.',
  },
  {
    pattern: /Unable to create '.*\.lock': File exists/s,
    reason: 'busy',
    advice: 'Another git process is at work there: wait until it has finished, then try again.',
  },
  {
    pattern: /detected dubious ownership/,
    reason: 'unusable-repository',
    advice: 'Add the folder to safe.directory in your git configuration if you trust it.',
  },
  {
    pattern: /^fatal: not a git repository/m,
    reason: 'no-repository',
    advice: 'If it was moved, `git worktree repair` may restore the link.',
  },
];

/**
 * What was thrown while git worked, as an error for a person. Anything but a {@link GitFailure} is
 * returned as it is.
 * @param doing completes "Git could not …"
 */
export function toWorktreeError(error: unknown, doing: string): unknown {
  if (!(error instanceof GitFailure)) return error;
  const rule = findRule(error);
  const advice = rule?.advice ?? 'Put that right, then try again.';
  return new WorktreeError(
    rule?.reason ?? 'git-failed',
    `Git could not ${doing}: ${complaint(error)}. ${advice}`,
    { cause: error },
  );
}

/** Whether `git worktree add` found that the folder or the branch was there already. */
export function whatIsTaken(failure: GitFailure): 'path-taken' | 'branch-taken' | undefined {
  const reason = findRule(failure)?.reason;
  return reason === 'path-taken' || reason === 'branch-taken' ? reason : undefined;
}

function findRule(failure: GitFailure): Rule | undefined {
  return RULES.find(({ pattern }) => pattern.test(failure.stderr));
}

/** Why git refuses to work in a repository at all, as a sentence for a person. */
export function whyUnusable(failure: GitFailure): string {
  const rule = findRule(failure);
  const sentence = `Git cannot use the repository at ${shownPath(failure.folder)}: ${complaint(failure)}.`;
  return rule ? `${sentence} ${rule.advice}` : sentence;
}

const MAX_COMPLAINT = 300;

/** The part of the messages that says what is wrong, on one line and without a full stop. */
export function complaint(failure: GitFailure): string {
  const lines = failure.stderr.split('\n');
  const verdict = lines.findIndex((line) => line.startsWith('fatal: '));
  const text = (verdict === -1 ? lines : lines.slice(verdict)).join(' ').replace(/^fatal: /, '');
  const short = text.replace(/\s+/g, ' ').trim().slice(0, MAX_COMPLAINT).replace(/\.$/, '');
  return short === '' ? `it ended with ${failure.exitCode ?? 'a signal'}` : short;
}
