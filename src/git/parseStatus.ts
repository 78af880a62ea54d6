/** What `git status` lists; paths are relative to the top folder, with slashes. */
export interface StatusPaths {
  /** Tracked files with changes, staged or not; conflicts too. */
  readonly changed: readonly string[];
  readonly untracked: readonly string[];
}

/** Reads `git status --porcelain=v1 -z --no-renames`. */
export function parseStatus(output: string): StatusPaths {
  const changed: string[] = [];
  const untracked: string[] = [];
  for (const entry of splitPaths(output)) {
    // Two letters for index and working tree, a space, the path.
    (entry.startsWith('??') ? untracked : changed).push(entry.slice(3));
  }
  return { changed, untracked };
}

/** Reads any list of paths that git writes with `-z`. */
export function splitPaths(output: string): string[] {
  return output.split('\0').filter((path) => path !== '');
}
