/** Where the user keeps git's configuration is theirs to say; all other `GIT_*` is not for us. */
const KEPT = new Set(['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM', 'GIT_CONFIG_NOSYSTEM']);

const DROPPED = new Set([
  'EDITOR',
  'VISUAL',
  'PAGER',
  'PREFIX',
  'SSH_ASKPASS',
  'SSH_ASKPASS_REQUIRE',
]);

const DROPPED_PREFIXES = ['GIT_', 'ELECTRON_', 'VSCODE_'];

/** Variables for every git that Deputy starts. */
const FIXED = {
  // Messages are matched in gitErrors.ts.
  LC_ALL: 'C',
  // Nobody is there to answer: fail instead of waiting for input.
  GIT_TERMINAL_PROMPT: '0',
  GIT_PAGER: 'cat',
  GIT_EDITOR: ':',
};

/**
 * The environment for git: the surrounding one without what would point git at another repository
 * or have it ask somebody (`GIT_DIR`, askpass helpers of the editor, editors, pagers).
 * @param mayLock false for commands that only read: they then take no optional locks, so that they
 *   never get in the way of the user's own git
 */
export function gitEnvironment(
  surrounding: Readonly<NodeJS.ProcessEnv>,
  mayLock: boolean,
): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(surrounding)) {
    // Windows does not mind the case of a name.
    if (!isDropped(name.toUpperCase())) environment[name] = value;
  }
  return { ...environment, ...FIXED, ...(mayLock ? {} : { GIT_OPTIONAL_LOCKS: '0' }) };
}

function isDropped(name: string): boolean {
  if (KEPT.has(name)) return false;
  return DROPPED.has(name) || DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix));
}
