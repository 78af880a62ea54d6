import type { SessionEvent } from '../domain/events';
import { handoffIdOf } from '../domain/handoff';
import type { StateStore } from './ports';

/**
 * Keeps the turn that an event is about: that it began, or how it ended. Call it in the transaction
 * that makes the event part of the session's record. Prompts are not kept: they stand in the events.
 */
export function recordTurn(store: StateStore, sessionId: string, event: SessionEvent): void {
  const { turns } = store;
  if (event.type === 'turn-started') {
    turns.put({
      sessionId,
      commandId: event.commandId,
      handoffId: handoffIdOf(event.commandId),
      startedAt: event.at,
      endedAt: undefined,
      stopReason: undefined,
      tokens: undefined,
      costUsd: undefined,
    });
  } else if (event.type === 'turn-ended') {
    const begun = turns.get(sessionId, event.commandId);
    if (!begun) return;
    const { stopReason, tokens, costUsd } = event;
    turns.put({ ...begun, endedAt: event.at, stopReason, tokens, costUsd });
  }
}
