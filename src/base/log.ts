/**
 * Where Deputy reports what it does. Commands, folders, pids, exits and durations may be logged;
 * prompts, environments and tokens never.
 */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  /** `cause` is logged with its stack. */
  error(message: string, cause?: unknown): void;
}

/** A logger that drops everything. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
