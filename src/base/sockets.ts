import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { UserError } from './errors';
import { ensurePrivateFolder } from './files';

/**
 * Longest path of a Unix socket that every system takes, in bytes: macOS has room for 104 with the
 * final NUL, Linux for 108. A longer one is cut or refused, depending on the system.
 */
export const MAX_SOCKET_PATH_BYTES = 103;

/** Enough to tell the users of one computer apart. */
const USER_HASH_CHARS = 12;

/**
 * The folder for local sockets: short, because a Unix socket's path must be (see
 * {@link MAX_SOCKET_PATH_BYTES}), and private, because whoever can connect could try tokens.
 * @param temporaryFolder where temporary files go; usually `os.tmpdir()`
 * @throws {UserError} when the folder belongs to somebody else
 */
export async function ensureSocketFolder(temporaryFolder: string): Promise<string> {
  const userId = process.getuid?.() ?? 0;
  const folder = path.join(temporaryFolder, `deputy-${userId}`);
  await ensurePrivateFolder(folder);
  if (process.platform !== 'win32') {
    const stat = await fs.lstat(folder);
    if (!stat.isDirectory() || stat.uid !== userId) {
      throw new UserError(
        `${folder} is not a folder of yours, so Deputy does not put its sockets there. Remove it, or set TMPDIR to a folder of your own.`,
      );
    }
    if ((stat.mode & 0o077) !== 0) await fs.chmod(folder, 0o700);
  }
  return folder;
}

/**
 * The address of a local socket: a file in `folder`, or on Windows a named pipe.
 * @param name unique among the sockets of this user; a part of a file's name
 * @param platform default that of this process
 * @throws {UserError} when the path of the file is too long for a socket
 */
export function socketAddress(
  folder: string,
  name: string,
  platform: NodeJS.Platform = process.platform,
): string {
  if (platform === 'win32') return pipeAddress(os.userInfo().username, name);
  const file = path.join(folder, `${name}.sock`);
  checkSocketPath(file);
  return file;
}

/**
 * The address of a named pipe. All users of a computer share one list of pipes that anybody may
 * read: the user is in the name, so that two never meet, but as a hash, so that it names nobody.
 * @param user name of the user; Windows does not mind its case
 */
export function pipeAddress(user: string, name: string): string {
  const hash = createHash('sha256').update(user.toLowerCase()).digest('hex');
  return `\\\\.\\pipe\\deputy-${hash.slice(0, USER_HASH_CHARS)}-${name}`;
}

/** @throws {UserError} when `file` is too long for the path of a Unix socket */
export function checkSocketPath(file: string): void {
  if (Buffer.byteLength(file) <= MAX_SOCKET_PATH_BYTES) return;
  throw new UserError(
    `The path ${file} is too long for a socket. Set TMPDIR to a folder with a shorter path.`,
  );
}
