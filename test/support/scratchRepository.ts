import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The environment of this process without its git variables and without anybody's configuration. */
export function isolatedEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return {
    ...Object.fromEntries(own),
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: os.devNull,
    GIT_CONFIG_NOSYSTEM: '1',
  };
}

/** A real repository for one test. Its owner removes the folder that it is in. */
export class ScratchRepository {
  private constructor(
    /** Absolute path of its top folder. */
    readonly root: string,
  ) {}

  /** Makes `folder` and in it a repository with branch `main`, but without a commit. */
  static async makeEmpty(folder: string): Promise<ScratchRepository> {
    await fs.mkdir(folder, { recursive: true });
    const repository = new ScratchRepository(folder);
    await repository.git('init', '--quiet', '--initial-branch=main');
    await repository.git('config', 'user.name', 'Scratch');
    await repository.git('config', 'user.email', 'scratch@example.com');
    await repository.git('config', 'commit.gpgSign', 'false');
    return repository;
  }

  /** As {@link makeEmpty}, with a commit of `README.md` and of `.gitignore`, which names `ignored/`. */
  static async make(folder: string): Promise<ScratchRepository> {
    const repository = await ScratchRepository.makeEmpty(folder);
    await repository.commit({ 'README.md': 'hello\n', '.gitignore': 'ignored/\n' });
    return repository;
  }

  /** Runs git in the top folder; returns what it wrote, without the last line feed. */
  git(...args: string[]): Promise<string> {
    return gitIn(this.root, ...args);
  }

  /** Writes files (content by relative path) and commits them; returns the commit's hash. */
  async commit(files: Readonly<Record<string, string>>): Promise<string> {
    await writeFiles(this.root, files);
    return commitAll(this.root);
  }

  /** Sets a hook to a shell script. */
  async setHook(name: string, script: string): Promise<void> {
    const file = path.join(this.root, '.git', 'hooks', name);
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** What a user would notice of a change: status, HEAD, index, stash, config, branches, worktrees. */
  async snapshot(): Promise<Readonly<Record<string, string>>> {
    const bytes = async (name: string): Promise<string> =>
      (await fs.readFile(path.join(this.root, '.git', name))).toString('base64');
    return {
      // First the index: asking for the status may refresh it.
      index: await bytes('index'),
      config: await bytes('config'),
      head: await bytes('HEAD'),
      status: await gitIn(this.root, '--no-optional-locks', 'status', '--porcelain', '--ignored'),
      headLog: await this.git('reflog'),
      stash: await this.git('stash', 'list'),
      branches: await this.git('for-each-ref'),
      worktrees: await this.git('worktree', 'list', '--porcelain'),
    };
  }
}

/** Runs git in `folder`; returns what it wrote, without the last line feed. */
export async function gitIn(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: folder, env: isolatedEnvironment() });
  return stdout.replace(/\n$/, '');
}

/** Writes files below `folder`: content by relative path. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.writeFile(file, content);
  }
}

/** Commits all that is in `folder`; returns the commit's hash. */
export async function commitAll(folder: string): Promise<string> {
  await gitIn(folder, 'add', '--all');
  await gitIn(folder, 'commit', '--quiet', '--message=more');
  return gitIn(folder, 'rev-parse', 'HEAD');
}
