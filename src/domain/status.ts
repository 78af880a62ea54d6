import { stateLabel, type Session, type SessionState } from './session';
import { labelOf } from './sessionView';

/** A session with its place in the lineage. */
export interface SessionStatus {
  readonly session: Session;
  readonly parent: string | undefined;
  /** Its latest children, latest first; 5 at most. */
  readonly children: readonly string[];
  readonly unread: number;
}

/** One session below a lead. */
export interface TeamMember {
  readonly session: Session;
  /** How far below the lead it is, from 1. */
  readonly depth: number;
  readonly unread: number;
}

/** A session with those that work for it. */
export interface TeamStatus {
  readonly root: Session;
  /** Unread messages of the root. */
  readonly unread: number;
  /** Depth-first. */
  readonly members: readonly TeamMember[];
}

/** The status of one session as text, a fact a line; facts that do not apply are left out. */
export function formatSessionStatus(status: SessionStatus): string {
  const { session, parent, children } = status;
  const { metrics, worktree, formerWorktree } = session;
  const lines: (string | undefined)[] = [
    `Session: ${session.id}`,
    `Task: ${session.task}`,
    `Agent: ${session.agentType}`,
    `Role: ${session.role}`,
    `State: ${session.state}`,
    session.reason === undefined ? undefined : `Reason: ${session.reason}`,
    ...session.requests.map((request) => `Waiting for an answer: ${request.title}`),
    parent === undefined ? undefined : `Parent: ${parent}`,
    session.pid === undefined ? undefined : `PID: ${session.pid}`,
    worktree && `Branch: ${worktree.branch}`,
    worktree && `Base: ${worktree.baseBranch ?? 'detached HEAD'} at ${worktree.baseCommit}`,
    worktree && `Worktree: ${worktree.path}`,
    !worktree && formerWorktree ? `Former branch: ${formerWorktree.branch}` : undefined,
    worktree ? undefined : `Folder: ${session.workingDir}`,
    `Inbox: ${status.unread}`,
    `Tokens: ${metrics.tokensUsed}`,
    `Tools: ${metrics.toolCalls}`,
    `Files: ${metrics.filesChanged}`,
    `Cost: ${metrics.costUsd === undefined ? 'unknown' : `$${metrics.costUsd.toFixed(4)}`}`,
    children.length === 0 ? undefined : `Children: ${children.join(', ')}`,
    `Created: ${new Date(session.createdAt).toISOString()}`,
    `Updated: ${new Date(session.updatedAt).toISOString()}`,
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

/** The order of the board's lanes, from what moves to what has ended. */
export const LANES: readonly SessionState[] = [
  'running',
  'idle',
  'pending',
  'failed',
  'stopped',
  'completed',
];

/** What a team may use altogether. */
export interface Budget {
  readonly tokens: number;
  /** US dollars. */
  readonly costUsd: number;
}

/**
 * The status of a team as text: facts about the lead, then a board with a lane for each state that a
 * member is in. Members of members are indented.
 * @param budget says what the team has used of it; default: nothing is said
 */
export function formatTeamStatus({ root, unread, members }: TeamStatus, budget?: Budget): string {
  const head = [
    `Lead: ${root.id} [${root.state}]`,
    `Task: ${root.task}`,
    `Agent: ${root.agentType}`,
    ...(root.worktree ? [`Branch: ${root.worktree.branch}`] : []),
    `Inbox: ${unread}`,
    ...(budget ? [usageLine([root, ...members.map((it) => it.session)], budget)] : []),
  ];
  if (members.length === 0) return [...head, 'Board: no delegated sessions'].join('\n');
  const board = LANES.flatMap((lane) => {
    const rows = members.filter(({ session }) => session.state === lane).map(formatMember);
    return rows.length === 0 ? [] : [`  ${stateLabel(lane)}:`, ...rows];
  });
  return [...head, 'Board:', ...board].join('\n');
}

function usageLine(sessions: readonly Session[], { tokens, costUsd }: Budget): string {
  const used = sessions.reduce((sum, { metrics }) => sum + metrics.tokensUsed, 0);
  const costs = sessions.map(({ metrics }) => metrics.costUsd);
  const known = costs.filter((it) => it !== undefined);
  const cost = known.reduce((sum, it) => sum + it, 0);
  const isOver = used > tokens || cost > costUsd;
  const spent =
    known.length === 0
      ? 'an unknown cost'
      : `$${cost.toFixed(2)}${known.length < costs.length ? ' and an unknown cost' : ''}`;
  return `Used: ${used} of ${tokens} tokens, ${spent} of $${costUsd.toFixed(2)}${isOver ? ' (over budget)' : ''}`;
}

function formatMember({ session, depth, unread }: TeamMember): string {
  const indent = '  '.repeat(Math.max(0, depth - 1));
  return `  - ${indent}${session.id} [${session.agentType}] | inbox ${unread} | ${labelOf(session)}`;
}
