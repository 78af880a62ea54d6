import type { AgentExit } from './agentConnection';

/** How a process ended, in words that fit into brackets. */
export function describeExit(exit: AgentExit | undefined): string {
  if (exit?.signal !== undefined) return `signal ${exit.signal}`;
  return exit?.code === undefined ? 'unknown exit code' : `exit code ${exit.code}`;
}
