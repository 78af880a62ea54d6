import type * as vscode from 'vscode';
import type { Logger } from '../base/log';

/** Writes to a log channel; the level follows the channel. */
export function channelLogger(channel: vscode.LogOutputChannel): Logger {
  return {
    debug: (message) => channel.debug(message),
    info: (message) => channel.info(message),
    warn: (message) => channel.warn(message),
    error: (message, cause) => {
      if (cause === undefined) channel.error(message);
      else channel.error(message, cause instanceof Error ? (cause.stack ?? cause.message) : cause);
    },
  };
}
