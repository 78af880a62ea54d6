import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { downloadAndUnzipVSCode } from '@vscode/test-electron';
import { SERVED_VERSION } from './installServer';
import { HostMissingError } from './npmPackage';
import { cacheFolder } from './paths';

const REACH_MS = 5_000;
const DOWNLOADS = 'https://update.code.visualstudio.com';

/**
 * Downloads the desktop VS Code (same version as the served one) and gives its executable.
 * @throws {HostMissingError} when there is no display, or the downloads are not reached in 5 seconds
 */
export async function ensureDesktop(): Promise<string> {
  if (process.platform === 'linux' && !hasDisplay() && findOnPath('xvfb-run') === undefined) {
    throw new HostMissingError(
      'The desktop VS Code needs a display: set DISPLAY or install xvfb (xvfb-run).',
    );
  }
  try {
    // Without this, an unreachable host costs the long time-out and the retries of the downloader.
    await fetch(DOWNLOADS, { method: 'HEAD', signal: AbortSignal.timeout(REACH_MS) });
    return await downloadAndUnzipVSCode({ version: SERVED_VERSION, cachePath: cacheFolder() });
  } catch (error) {
    throw new HostMissingError("VS Code's downloads cannot be reached.", { cause: error });
  }
}

/** True when a window can be shown on this system as it is. */
export function hasDisplay(): boolean {
  return process.platform !== 'linux' || Boolean(process.env['DISPLAY']);
}

/** The first executable of that name on PATH, or undefined. On Windows `name` must have its ending. */
export function findOnPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find((file) => existsSync(file));
}
