import type { SessionEvent } from './events';

/**
 * An event as a runner of an older release wrote it, with what it could not say yet. Runners of
 * version 1 had conversations that nobody could take up again, and requests without details.
 * @param event a parsed line of a session's events
 */
export function upgradeEvent(event: SessionEvent): SessionEvent {
  if (event.type === 'conversation') {
    return { ...{ isContinued: false, canContinue: false }, ...event };
  }
  if (event.type === 'permission-requested') {
    return { ...{ kind: 'other', locations: [], input: undefined }, ...event };
  }
  return event;
}
