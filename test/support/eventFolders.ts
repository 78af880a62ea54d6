import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { readEvents } from '../../src/agents/eventFile';
import type { EventBody, SessionEvent } from '../../src/domain/events';
import type { EventLog } from '../../src/runner/eventLog';
import { Subscription } from '../../src/runner/subscription';

/** An event that is never merged with another one; its line has a little over `chars` characters. */
export function line(text: string, chars = 0): EventBody {
  return { type: 'stderr', text: text.padEnd(chars, '.') };
}

/** Appends events one by one, so that each may begin a file of its own. */
export async function appendEach(log: EventLog, bodies: readonly EventBody[]): Promise<void> {
  for (const body of bodies) {
    log.append(body);
    await log.flush();
  }
}

/** All events of a session's folder from `fromSeq` on. */
export async function eventsIn(folder: string, fromSeq?: number): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for await (const event of readEvents(folder, fromSeq)) events.push(event);
  return events;
}

/** The numbers of events. */
export function seqs(events: readonly SessionEvent[]): number[] {
  return events.map(({ seq }) => seq);
}

/** What a subscriber of a log sees from `fromSeq` on, up to what is written by the time it came. */
export async function subscribed(log: EventLog, fromSeq: number): Promise<SessionEvent[]> {
  const chunks: Buffer[] = [];
  const subscription = new Subscription(log, fromSeq, async (bytes) => {
    chunks.push(bytes);
    await Promise.resolve();
  });
  subscription.end();
  await subscription.run();
  return parseMessages(chunks);
}

/** The events in what a {@link Subscription} has sent. */
export function parseMessages(chunks: readonly Buffer[]): SessionEvent[] {
  const lines = Buffer.concat(chunks).toString('utf8').split('\n').slice(0, -1);
  return lines.map((text) => (JSON.parse(text) as { event: SessionEvent }).event);
}

/** The names of a folder that tell of events, sorted. */
export async function eventFilesOf(folder: string): Promise<string[]> {
  return (await fs.readdir(folder)).filter((name) => name.includes('.ndjson')).sort();
}

/** Asserts that events are numbered from `first` to `last` without gaps. */
export function assertNumbered(events: readonly SessionEvent[], first: number, last: number): void {
  const expected = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  assert.deepEqual(seqs(events), expected);
}
