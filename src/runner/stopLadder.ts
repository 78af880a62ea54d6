import { delay, within } from '../base/async';
import type { ProcessInfo } from '../base/processes/processInfo';
import { killWindowsTree } from '../base/processes/windows';
import { signalGroup, type MarkedProcesses } from '../base/processTree';
import type { AgentProcess } from './agentProcess';

/** Time that is left to what an agent leaves behind; many end when its pipes close. */
const LEFTOVER_MS = 1_000;

/** How often is looked whether leftovers, which are no children of ours, have ended. */
const POLL_MS = 50;

/** What {@link climbStopLadder} works on. */
export interface StopLadder {
  /** Undefined when it could not be started. */
  readonly agent: AgentProcess | undefined;
  /** All processes of the session, the agent's own among them. */
  readonly processes: MarkedProcesses;
  /** Asks the agent to end its turn; settles at the turn's end, at once when there is none. */
  readonly endTurn: () => Promise<void>;
  /** Time that each step is given, in milliseconds. */
  readonly graceMs: number;
  /** An abort skips what is left of the steps before the first signal. */
  readonly hurry: AbortSignal;
}

/**
 * Ends an agent and everything that it has started, in steps from polite to forced: end of the
 * turn, end of its input, SIGTERM to its process group, SIGKILL to it, and SIGKILL to whatever else
 * belongs to the session. No single step works for all agents; each is taken only while something
 * is alive. An agent that has ended already leaves only what it left behind to be ended.
 * @returns what could not be ended; normally nothing
 */
export async function climbStopLadder(ladder: StopLadder): Promise<ProcessInfo[]> {
  const { agent, processes, graceMs, hurry } = ladder;
  // Where environments cannot be read, the tree must be seen while it is intact.
  await processes.find();
  if (agent && !agent.exit) {
    await within(
      Promise.race([ladder.endTurn(), agent.exited, aborted(hurry)]),
      graceMs,
      undefined,
    );
    agent.closeInput();
    await within(Promise.race([agent.exited, aborted(hurry)]), graceMs, undefined);
  }
  if (await areGone(ladder, LEFTOVER_MS)) return [];
  if (agent) {
    if (process.platform === 'win32') {
      if (!agent.exit) await killWindowsTree(agent.pid);
    } else if (await signalLivingGroup(processes, agent.pid, 'SIGTERM')) {
      await within(agent.exited, graceMs, undefined);
      if (await areGone(ladder, LEFTOVER_MS)) return [];
      await signalLivingGroup(processes, agent.pid, 'SIGKILL');
    }
  }
  const survivors = await processes.killAll();
  // The kill is done, only its news is on the way.
  if (agent) await within(agent.exited, graceMs, undefined);
  return survivors;
}

/** Waits for leftovers to end by themselves. False at once while the agent itself lives. */
async function areGone(ladder: StopLadder, maxMs: number): Promise<boolean> {
  const { agent, processes, graceMs } = ladder;
  const giveUpAt = performance.now() + Math.min(maxMs, graceMs);
  for (;;) {
    const living = await processes.find();
    if (agent && !agent.exit) return false;
    if (living.length === 0) return true;
    if (performance.now() >= giveUpAt) return false;
    await delay(POLL_MS);
  }
}

/** Never signals a group without members: its number may have been given to another one. */
async function signalLivingGroup(
  processes: MarkedProcesses,
  groupId: number,
  name: NodeJS.Signals,
): Promise<boolean> {
  const living = await processes.find();
  if (!living.some((info) => info.pgid === groupId)) return false;
  signalGroup(groupId, name);
  return true;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
