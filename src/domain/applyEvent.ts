import type { ExitReason, SessionEvent } from './events';
import { canTransition, isActive, type Session, type SessionState } from './session';

/**
 * What one event of a runner changes in the session's record. Pure; the caller stores the result
 * together with the event's `seq`, so that every event counts exactly once.
 * @returns the record after the event; the same object when the event was applied before
 */
export function applyEvent(session: Session, event: SessionEvent): Session {
  if (event.seq <= session.appliedSeq) return session;
  const changed = { ...session, ...changes(session, event) };
  return {
    ...changed,
    appliedSeq: event.seq,
    lastEventAt: event.at,
    updatedAt: changed.state === session.state ? session.updatedAt : event.at,
  };
}

/**
 * True for what an agent only shows: it changes nothing but how far the session's record has come, and
 * nobody is harmed when it is handed out a second time after a crash.
 */
export function isOutput(event: SessionEvent): boolean {
  // The end of a tool call is kept.
  if (event.type === 'tool-update')
    return event.status !== 'completed' && event.status !== 'failed';
  return SHOWN_ONLY.has(event.type);
}

const SHOWN_ONLY: ReadonlySet<SessionEvent['type']> = new Set([
  'text',
  'thought',
  'stderr',
  'plan',
]);

function changes(session: Session, event: SessionEvent): Partial<Session> {
  const { metrics } = session;
  switch (event.type) {
    case 'runner-started':
      return { presence: 'alive', ending: undefined };
    case 'agent-started':
      return { pid: event.pid, presence: 'alive' };
    case 'conversation':
      return {
        conversationId: event.conversationId,
        canContinue: event.canContinue,
        totals: event.isContinued ? session.totals : undefined,
      };
    case 'turn-started':
      return {
        ...move(session, 'running'),
        ...explain(session, undefined),
        turnStartedAt: event.at,
      };
    case 'tool-call':
      return { metrics: { ...metrics, toolCalls: metrics.toolCalls + 1 } };
    case 'agent-ended':
      return event.pid === session.pid ? { pid: undefined } : {};
    case 'permission-requested': {
      const { requestId, title, kind, locations, input, options } = event;
      const request = { requestId, title, kind, locations, input, options };
      return { requests: [...session.requests, request] };
    }
    case 'permission-answered':
      return { requests: session.requests.filter((it) => it.requestId !== event.requestId) };
    case 'turn-ended':
      return {
        ...move(session, 'idle'),
        ...endTurn(session, event.at, event.tokens, event.costUsd),
        totals: event.totals,
        ...explain(session, event.error ?? unusualStop(event.stopReason)),
      };
    case 'exit':
      return {
        ...(isActive(session.state)
          ? { state: stateAfter(session.state, event.reason), reason: event.detail }
          : {}),
        ...endTurn(session, event.at, undefined, undefined),
        pid: undefined,
        presence: event.reason === 'asleep' ? 'asleep' : 'gone',
        ending: event.reason,
      };
    case 'text':
    case 'thought':
    case 'tool-update':
    case 'plan':
    case 'mode':
    case 'cost':
    case 'stderr':
    case 'usage-limit':
    case 'stop-requested':
      return {};
  }
}

/** The state changes where the state machine allows it; a row that has already ended stays as it is. */
function move(session: Session, to: SessionState): Partial<Session> {
  return canTransition(session.state, to) ? { state: to } : {};
}

/** Why a session has ended was decided when it ended; what its agent does after that does not change it. */
function explain(session: Session, reason: string | undefined): Partial<Session> {
  return isActive(session.state) ? { reason } : {};
}

function endTurn(
  session: Session,
  at: number,
  tokens: number | undefined,
  costUsd: number | undefined,
): Partial<Session> {
  const { metrics, turnStartedAt } = session;
  const seconds = turnStartedAt === undefined ? 0 : Math.max(0, (at - turnStartedAt) / 1000);
  return {
    turnStartedAt: undefined,
    requests: [],
    metrics: {
      ...metrics,
      durationSecs: metrics.durationSecs + seconds,
      tokensUsed: metrics.tokensUsed + (tokens ?? 0),
      costUsd: costUsd === undefined ? metrics.costUsd : (metrics.costUsd ?? 0) + costUsd,
    },
  };
}

function stateAfter(state: SessionState, reason: ExitReason): SessionState {
  switch (reason) {
    case 'completed':
      return 'completed';
    case 'stopped':
      return 'stopped';
    case 'asleep':
      return state;
    case 'start-failed':
    case 'failed':
    case 'timed-out':
    case 'killed':
    case 'usage-limit':
    case 'lost':
      return 'failed';
  }
}

/** What a person should know about a turn that ended, but not because the work was done. */
function unusualStop(stopReason: string): string | undefined {
  switch (stopReason) {
    case 'max_tokens':
      return 'The last turn ended at the limit of tokens.';
    case 'max_turn_requests':
      return 'The last turn ended at the limit of requests.';
    case 'refusal':
      return 'The agent refused to go on.';
    case 'cancelled':
      return 'The last turn was cancelled.';
    case 'usage_limit':
      return 'The agent’s account is used up for now.';
    default:
      return undefined;
  }
}
