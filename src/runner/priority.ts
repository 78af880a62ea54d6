import * as os from 'node:os';

/**
 * Lets the editor, and whatever a person works with, go before this process where they compete for a
 * core. To be called once the agent runs: what is started afterwards has the same priority.
 */
export function yieldToOthers(): void {
  const { PRIORITY_BELOW_NORMAL } = os.constants.priority;
  try {
    // One that is even more modest stays so.
    if (os.getPriority() < PRIORITY_BELOW_NORMAL) os.setPriority(PRIORITY_BELOW_NORMAL);
  } catch {
    // A system that does not allow it is none the worse.
  }
}
