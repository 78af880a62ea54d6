import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { cacheFolder, repoRoot } from '../host/paths';

/** The packaged extension. */
export interface Vsix {
  readonly file: string;
  readonly bytes: number;
}

/** Where the packaged extension is put. */
function vsixFile(): string {
  return path.join(cacheFolder(), 'deputy.vsix');
}

/**
 * Packages what is in `dist/` as `.vscode-test/deputy.vsix`, replacing the one before.
 * @throws {Error} when vsce refuses the manifest
 */
export async function packageVsix(): Promise<Vsix> {
  await fs.mkdir(cacheFolder(), { recursive: true });
  await createVSIX({
    cwd: repoRoot(),
    packagePath: vsixFile(),
    dependencies: false,
    allowMissingRepository: true,
    // There is no repository address yet that they could lead to.
    rewriteRelativeLinks: false,
  });
  return packagedVsix();
}

/**
 * The extension as it was packaged last.
 * @throws {Error} ENOENT when it was not packaged yet
 */
export async function packagedVsix(): Promise<Vsix> {
  const { size } = await fs.stat(vsixFile());
  return { file: vsixFile(), bytes: size };
}
