import { randomUUID } from 'node:crypto';
import type { Session } from '../domain/session';
import type { SessionTable } from './ports';

/** What a session record begins with; the rest follows. */
export type SessionSeed = Pick<
  Session,
  'task' | 'agentType' | 'workingDir' | 'repository' | 'role'
> & { readonly id: string; readonly initialHandoffId?: number | undefined };

/**
 * A pending session.
 * @param now milliseconds since 1970
 */
export function makePendingSession(seed: SessionSeed, now: number): Session {
  return {
    state: 'pending',
    presence: 'gone',
    pid: undefined,
    worktree: undefined,
    formerWorktree: undefined,
    conversationId: undefined,
    canContinue: false,
    totals: undefined,
    requests: [],
    reason: undefined,
    ending: undefined,
    appliedSeq: 0,
    metrics: { tokensUsed: 0, toolCalls: 0, filesChanged: 0, durationSecs: 0, costUsd: undefined },
    turnStartedAt: undefined,
    lastEventAt: undefined,
    createdAt: now,
    updatedAt: now,
    ...seed,
    initialHandoffId: seed.initialHandoffId,
  };
}

/** An id that no session has: 8 hexadecimal digits, in lower case. */
export function freshSessionId(sessions: SessionTable): string {
  for (;;) {
    const id = randomUUID().slice(0, 8);
    if (!sessions.get(id)) return id;
  }
}
