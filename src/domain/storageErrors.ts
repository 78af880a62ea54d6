import { messageOf, UserError } from '../base/errors';

/** What is wrong with the stored state. */
export type StorageFailure = 'not-writable' | 'damaged' | 'newer-version' | 'lost-ownership';

/** The stored state cannot be read or written; the message names the file and the remedy. */
export class StorageError extends UserError {
  override name = 'StorageError';

  constructor(
    readonly reason: StorageFailure,
    readonly file: string,
    cause?: unknown,
  ) {
    super(describe(reason, file, cause), { cause });
  }
}

function describe(reason: StorageFailure, file: string, cause: unknown): string {
  switch (reason) {
    case 'not-writable':
      return `Deputy cannot write its state to ${file} (${messageOf(cause)}). Make the folder writable and free some space, then reload the window.`;
    case 'damaged':
      return `Deputy cannot read its state in ${file} (${messageOf(cause)}). The file was left as it is. Move it away to begin anew, then reload the window.`;
    case 'newer-version':
      return `Deputy's state in ${file} was written by a newer version. Update Deputy, then reload the window.`;
    case 'lost-ownership':
      return `Another window has taken over Deputy's state in ${file}. This window writes nothing more; go on there.`;
  }
}
