import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';

/**
 * A temporary folder for one test, with a short path because Unix sockets need one; its real path,
 * so that it can be compared with what git and the system report.
 */
export async function makeTempFolder(): Promise<string> {
  return fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), 'd-')));
}

/** Removes what {@link makeTempFolder} made. */
export async function removeTempFolder(folder: string): Promise<void> {
  await fs.rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
