/** One entry of `git worktree list`. */
export interface WorktreeEntry {
  /** As git writes it: with slashes on Windows too. */
  readonly path: string;
  /** Undefined for a bare repository, and while its branch has no commit. */
  readonly head: string | undefined;
  /** Without `refs/heads/`; undefined when HEAD is detached. */
  readonly branch: string | undefined;
  readonly isBare: boolean;
  /** Why it is locked; empty when no reason was given, undefined when it is not locked. */
  readonly lockReason: string | undefined;
}

/**
 * Reads `git worktree list --porcelain`. The first entry is the main worktree.
 * @param separator what ends an attribute: NUL with `-z`; a line feed without it, as git knows it
 *   before 2.36, where a path with a line feed in it is cut short
 */
export function parseWorktrees(output: string, separator: '\0' | '\n'): WorktreeEntry[] {
  return output
    .split(separator + separator)
    .filter((block) => block.startsWith('worktree '))
    .map((block) => parseEntry(block.split(separator)));
}

function parseEntry(attributes: readonly string[]): WorktreeEntry {
  const values = new Map<string, string>();
  for (const attribute of attributes) {
    const space = attribute.indexOf(' ');
    const name = space === -1 ? attribute : attribute.slice(0, space);
    values.set(name, space === -1 ? '' : attribute.slice(space + 1));
  }
  const head = values.get('HEAD');
  return {
    path: values.get('worktree') ?? '',
    head: head !== undefined && /[^0]/.test(head) ? head : undefined,
    branch: values.get('branch')?.replace(/^refs\/heads\//, ''),
    isBare: values.has('bare'),
    lockReason: values.get('locked'),
  };
}
