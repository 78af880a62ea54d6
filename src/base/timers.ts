import type { Disposable } from './disposable';

/**
 * Calls `action` once, `ms` milliseconds from now; not when it is disposed first. It keeps no process
 * alive. Parts that wait for a time take it as a parameter, so that time can be simulated.
 */
export type Later = (ms: number, action: () => void) => Disposable;

/** {@link Later} in real time. */
export const later: Later = (ms, action) => {
  const timer = setTimeout(action, ms).unref();
  return { dispose: () => clearTimeout(timer) };
};
