import { delay } from '../../src/base/async';
import { findMarked } from '../../src/base/processTree';

/** A runner tells of its end and then ends; more than this it may not take. */
const SETTLE_MS = 5_000;

/**
 * Pids of the processes that carry one of the markers and do not end by themselves within 5 seconds.
 * The end of a process that is no child of ours has no event, so this looks again and again.
 */
export async function lastingProcesses(markers: readonly string[]): Promise<number[]> {
  const giveUpAt = performance.now() + SETTLE_MS;
  for (;;) {
    const found = (await Promise.all(markers.map((marker) => findMarked(marker)))).flat();
    if (found.length === 0 || performance.now() > giveUpAt) return found.map(({ pid }) => pid);
    await delay(20);
  }
}
