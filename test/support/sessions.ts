import type { SessionEvent } from '../../src/domain/events';
import type { PermissionRequest, Session } from '../../src/domain/session';

/** A pending session; `patch` says what is different about it. */
export function makeSession(patch: Partial<Session> = {}): Session {
  return {
    id: 'aaaa1111',
    task: 'say hello',
    agentType: 'rehearsal',
    workingDir: '/work',
    state: 'pending',
    role: 'lead',
    presence: 'gone',
    pid: undefined,
    worktree: undefined,
    formerWorktree: undefined,
    repository: undefined,
    conversationId: undefined,
    canContinue: false,
    totals: undefined,
    initialHandoffId: undefined,
    requests: [],
    reason: undefined,
    ending: undefined,
    appliedSeq: 0,
    metrics: { tokensUsed: 0, toolCalls: 0, filesChanged: 0, durationSecs: 0, costUsd: undefined },
    turnStartedAt: undefined,
    lastEventAt: undefined,
    createdAt: 1_000,
    updatedAt: 1_000,
    ...patch,
  };
}

/** A request without details or options. */
export function makeRequest(requestId: string, title: string): PermissionRequest {
  return { requestId, title, kind: 'other', locations: [], input: undefined, options: [] };
}

type Body = SessionEvent extends infer E
  ? E extends SessionEvent
    ? Omit<E, 'seq' | 'at'>
    : never
  : never;

/** Numbers the bodies from `fromSeq` on, one second apart. */
export function makeEvents(bodies: readonly Body[], fromSeq = 1): SessionEvent[] {
  return bodies.map((body, i) => ({ ...body, seq: fromSeq + i, at: (fromSeq + i) * 1_000 }));
}
