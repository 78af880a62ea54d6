import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { messageOf, UserError } from '../base/errors';
import { writeFileAtomic } from '../base/files';
import { LAUNCH_FILE, RUNNER_PROTOCOL_VERSION, type LaunchData } from '../domain/runnerProtocol';

/**
 * Takes the launch data out of a session's folder: reads it, and at once takes environment and task
 * out of the file, so that secrets do not stay on disk. This process is noted there as the runner.
 * @throws {UserError} when the file is missing, damaged or of another version
 */
export async function takeLaunchData(sessionFolder: string): Promise<LaunchData> {
  const file = path.join(sessionFolder, LAUNCH_FILE);
  let launch: LaunchData;
  try {
    launch = JSON.parse(await fs.readFile(file, 'utf8')) as LaunchData;
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const scrubbed: LaunchData = { ...launch, env: {}, task: '', runnerPid: process.pid };
  await writeFileAtomic(file, JSON.stringify(scrubbed));
  if (launch.version !== RUNNER_PROTOCOL_VERSION) {
    throw new UserError(
      `The runner speaks version ${RUNNER_PROTOCOL_VERSION}, and ${file} is of version ${String(launch.version)}.`,
    );
  }
  return launch;
}
