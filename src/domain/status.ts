import type { Session, SessionState } from './session';

/** A session with its place in the lineage. */
export interface SessionStatus {
  readonly session: Session;
  readonly parent: string | undefined;
  /** Its latest children, latest first; 5 at most. */
  readonly children: readonly string[];
  readonly unread: number;
}

/** The status of one session as text, a fact a line; facts that do not apply are left out. */
export function formatSessionStatus(status: SessionStatus): string {
  const { session, parent, children } = status;
  const { metrics, worktree } = session;
  const lines: (string | undefined)[] = [
    `Session: ${session.id}`,
    `Task: ${session.task}`,
    `Agent: ${session.agentType}`,
    `State: ${session.state}`,
    session.reason === undefined ? undefined : `Reason: ${session.reason}`,
    ...session.requests.map((request) => `Waiting for an answer: ${request.title}`),
    parent === undefined ? undefined : `Parent: ${parent}`,
    session.pid === undefined ? undefined : `PID: ${session.pid}`,
    worktree && `Branch: ${worktree.branch}`,
    worktree && `Base: ${worktree.baseBranch ?? 'detached HEAD'} at ${worktree.baseCommit}`,
    worktree && `Worktree: ${worktree.path}`,
    worktree ? undefined : `Folder: ${session.workingDir}`,
    `Inbox: ${status.unread}`,
    `Tokens: ${metrics.tokensUsed}`,
    `Tools: ${metrics.toolCalls}`,
    `Files: ${metrics.filesChanged}`,
    `Cost: $${metrics.costUsd.toFixed(4)}`,
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
