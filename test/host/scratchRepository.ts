import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { run } from './run';

const FILES: Readonly<Record<string, string>> = {
  'README.md': '# Scratch\n\nA repository to try Deputy in. Nothing in it matters.\n',
  'src/greet.js': 'export const greet = (name) => `Hello, ${name}!`;\n',
  'notes/todo.md': '- write a test for greet\n',
};

/**
 * Makes a git repository with a few files and one commit on branch `main`. Does nothing when
 * `folder` is one already. The author is set in the repository: the machine may have none.
 */
export async function makeScratchRepository(folder: string): Promise<void> {
  const hasCommit = await git(folder, ['rev-parse', '--verify', 'HEAD']).then(
    () => true,
    () => false,
  );
  // Inside another repository git answers for that one, so the folder itself must have a .git.
  if (hasCommit && (await fs.readdir(folder)).includes('.git')) return;
  for (const [name, text] of Object.entries(FILES)) {
    await fs.mkdir(path.join(folder, path.dirname(name)), { recursive: true });
    await fs.writeFile(path.join(folder, name), text);
  }
  await git(folder, ['init', '--quiet', '--initial-branch=main']);
  await git(folder, ['config', 'user.name', 'Scratch']);
  await git(folder, ['config', 'user.email', 'scratch@example.invalid']);
  await git(folder, ['config', 'commit.gpgsign', 'false']);
  await git(folder, ['add', '--all']);
  await git(folder, ['commit', '--quiet', '--no-verify', '--message', 'Start']);
}

function git(folder: string, args: readonly string[]): Promise<string> {
  return run('git', ['-C', folder, ...args]);
}
