import type { EventBody } from '../domain/events';

/**
 * The one place about what of the event log survives what.
 *
 * - The death of the runner takes nothing: an event is in the file before anybody is told of it.
 * - A power cut may take the last output: text, tools, plans and the like are written without a sync.
 *   What is missing then was missing from its beginning on; there are never holes.
 * - Events that others rely on ({@link isReliedOn}) are synced soon after they are written. One sync
 *   serves all that were written before it, and nothing waits for it that does not ask.
 * - What lets an agent act (a prompt, an answer) is on disk before the agent gets it, and the end of the
 *   session before the runner ends: `EventLog.record`, `EventLog.sync`, `EventLog.end`.
 * - A full segment is on disk before it is sealed, and the folder after that.
 * - When a power cut took events that the host had applied, numbers go on after those: none is used twice.
 */
const RELIED_ON: ReadonlySet<EventBody['type']> = new Set([
  'runner-started',
  'conversation',
  'turn-started',
  'permission-answered',
  'cost',
  'usage-limit',
  'turn-ended',
  'stop-requested',
  'exit',
]);

/** True for an event that shall be on disk soon, although nobody may wait for it. */
export function isReliedOn(body: EventBody): boolean {
  return RELIED_ON.has(body.type);
}
