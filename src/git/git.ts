import * as fs from 'node:fs/promises';
import { simpleGit } from 'simple-git';
import type { Logger } from '../base/log';
import { GitMissingError, shownPath, WorktreeError } from '../domain/gitErrors';
import { gitEnvironment } from './environment';
import { GitFailure, isGitMissing } from './gitErrors';

/**
 * Runs git commands: as argument lists, without a shell, in an environment of its own.
 * Every method throws
 * - {@link GitMissingError} when git cannot be started,
 * - {@link WorktreeError} with reason `no-repository` when `folder` is not a folder,
 * - {@link GitFailure} when git ends with another exit code than 0.
 */
export class Git {
  constructor(
    private readonly surrounding: Readonly<NodeJS.ProcessEnv>,
    private readonly logger: Logger,
  ) {}

  /** What a command that changes nothing wrote to its standard output. */
  read(folder: string, args: readonly string[]): Promise<string> {
    return this.run(folder, args, false);
  }

  /** As {@link read}, with undefined where git answers "there is none" with exit code 1. */
  async readOptional(folder: string, args: readonly string[]): Promise<string | undefined> {
    try {
      return await this.read(folder, args);
    } catch (error) {
      if (error instanceof GitFailure && error.exitCode === 1) return undefined;
      throw error;
    }
  }

  /** Runs a command that changes the repository. */
  async write(folder: string, args: readonly string[]): Promise<void> {
    await this.run(folder, args, true);
  }

  private async run(folder: string, args: readonly string[], isWrite: boolean): Promise<string> {
    if (!(await isFolder(folder))) throw folderMissing(folder);
    const environment = gitEnvironment(this.surrounding, isWrite);
    const startedAt = performance.now();
    // Null when a signal ended git, whatever simple-git's types say.
    const outcome: { exitCode: number | null } = { exitCode: 0 };
    try {
      const git = simpleGit({
        baseDir: folder,
        allowEnvironment: Object.keys(environment),
        // The guard is for arguments and variables from outside. Ours come from gitEnvironment.
        // Abbreviated options are not ours but those of the user's hooks, which inherit the ban.
        unsafe: {
          allowUnsafePager: true,
          allowUnsafeEditor: true,
          allowUnsafeConfigPaths: true,
          allowAbbreviatedOptions: true,
        },
        // Output counts as whole when the pipes close. A hook may leave a process behind that
        // keeps them open; the output of a command that writes is not read, so it need not wait.
        completion: { onClose: true, onExit: isWrite ? 1000 : false },
        // An empty input: without it the pipe stays open, and a core.fsmonitor hook could wait on it.
        input: () => Buffer.alloc(0),
        // The default takes a failure that wrote nothing to stderr for a success.
        errors: (_error, result) => {
          outcome.exitCode = result.exitCode;
          if (outcome.exitCode === 0) return undefined;
          const stderr = Buffer.concat(result.stdErr).toString('utf8').trim();
          return new GitFailure(args, folder, outcome.exitCode, stderr);
        },
      });
      return await git.env(environment).raw([...args]);
    } catch (error) {
      if (!isGitMissing(error)) throw error;
      // A folder that vanished meanwhile looks the same to Node.
      if (!(await isFolder(folder))) throw folderMissing(folder);
      throw new GitMissingError({ cause: error });
    } finally {
      const ms = Math.round(performance.now() - startedAt);
      const exit = outcome.exitCode ?? 'by a signal';
      this.logger.debug(`git ${args.join(' ')} (in ${folder}): exit ${exit}, ${ms} ms`);
    }
  }
}

function folderMissing(folder: string): WorktreeError {
  return new WorktreeError(
    'no-repository',
    `The folder ${shownPath(folder)} does not exist. Restore it, or choose another folder.`,
  );
}

/** True when `folder` is a folder, or a link to one. */
export async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await fs.stat(folder)).isDirectory();
  } catch {
    // Whatever the obstacle, git could not be started there either.
    return false;
  }
}
