import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { CommandFailedError, run } from './run';

/** A thing that the tests need is missing; the message says what, and what to do about it. */
export class HostMissingError extends Error {
  override name = 'HostMissingError';
}

/**
 * Downloads a package with npm, runs nothing of it, and unpacks it into `target`.
 * @param spec name and exact version, as in `name@1.2.3`
 * @param members what to unpack, without the leading `package/`; default everything
 * @param exclude tar patterns of what to leave out
 * @throws {HostMissingError} when npm cannot get it
 */
export async function unpackPackage(
  spec: string,
  target: string,
  { members = [], exclude = [] }: { members?: readonly string[]; exclude?: readonly string[] } = {},
): Promise<void> {
  const download = path.join(target, '.download');
  await fs.mkdir(download, { recursive: true });
  await npm(['pack', '--loglevel=error', '--pack-destination', download, spec], download, spec);
  const [tarball] = await fs.readdir(download);
  if (tarball === undefined) throw new HostMissingError(`npm pack ${spec} made no file.`);
  await run('tar', [
    'xzf',
    path.join(download, tarball),
    '-C',
    target,
    '--strip-components=1',
    ...exclude.map((pattern) => `--exclude=${pattern}`),
    ...members.map((member) => `package/${member}`),
  ]);
  await fs.rm(download, { recursive: true });
}

/**
 * Installs what the `package.json` in `folder` asks for, without scripts and without dev dependencies.
 * @throws {HostMissingError} when npm cannot get it
 */
export async function installDependencies(folder: string, what: string): Promise<void> {
  const args = [
    'install',
    '--omit=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  await npm([...args, '--prefix', folder], folder, `the dependencies of ${what}`);
}

async function npm(args: readonly string[], cwd: string, what: string): Promise<void> {
  // `npm test` names the repository in this variable; here it is another folder's turn.
  const env = { ...process.env };
  delete env['npm_config_local_prefix'];
  try {
    await run('npm', args, { cwd, env });
  } catch (error) {
    if (!(error instanceof CommandFailedError)) throw error;
    throw new HostMissingError(
      `npm could not get ${what}, which the tests in a real VS Code need. Check that npm reaches its registry (npm ping), then run the tests again.\n${error.message}`,
      { cause: error },
    );
  }
}
