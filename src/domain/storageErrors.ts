import { errorCode, messageOf, UserError } from '../base/errors';

/**
 * What is wrong with the stored state:
 * - `disk-full`: there was no room for a write; nothing of it counts
 * - `not-writable`: the folder cannot be written, for another reason
 * - `not-readable`: the operating system does not let us read a file
 * - `damaged`: a file is missing, or holds something else than was written
 * - `newer-version`: written by a newer release
 * - `lost-ownership`: another process has taken over; whether the last write counts is unknown
 */
export type StorageFailure =
  'disk-full' | 'not-writable' | 'not-readable' | 'damaged' | 'newer-version' | 'lost-ownership';

/** The stored state cannot be read or written; the message names the file and the remedy. */
export class StorageError extends UserError {
  override name = 'StorageError';

  /** @param cause what went wrong in detail; its message becomes part of this one */
  constructor(
    readonly reason: StorageFailure,
    readonly file: string,
    cause?: unknown,
  ) {
    super(describe(reason, file, cause), { cause });
  }

  /** The error for a write that the operating system refused. */
  static ofWrite(file: string, cause: unknown): StorageError {
    if (cause instanceof StorageError) return cause;
    const code = errorCode(cause) ?? '';
    return new StorageError(NO_ROOM.has(code) ? 'disk-full' : 'not-writable', file, cause);
  }
}

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function describe(reason: StorageFailure, file: string, cause: unknown): string {
  const detail = cause === undefined ? '' : ` (${messageOf(cause)})`;
  switch (reason) {
    case 'disk-full':
      return `There is no room to write Deputy's state to ${file}${detail}. Free some space; nothing that was acknowledged is lost, and Deputy goes on by itself.`;
    case 'not-writable':
      return `Deputy cannot write its state to ${file}${detail}. Make the folder writable, then reload the window.`;
    case 'not-readable':
      return `Deputy cannot read its state in ${file}${detail}. Make the file readable, then reload the window.`;
    case 'damaged':
      return `Deputy's state is damaged: ${file}${detail}. Nothing was changed. Run "Deputy: Repair State…" to open it with what can be read; the damaged files are kept.`;
    case 'newer-version':
      return `Deputy's state in ${file} was written by a newer version. Update Deputy, then reload the window.`;
    case 'lost-ownership':
      return `Another window has taken over Deputy's state in ${file}. This window writes nothing more; go on there, or take over again.`;
  }
}
