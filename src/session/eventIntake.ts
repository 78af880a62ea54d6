import type { Disposable } from '../base/disposable';
import { Emitter } from '../base/event';
import type { Logger } from '../base/log';
import { later, type Later } from '../base/timers';
import { applyEvent, isOutput } from '../domain/applyEvent';
import type { SessionEvent } from '../domain/events';
import type { Session } from '../domain/session';
import { FloodGate } from './floodGate';
import { requireSession } from './lookup';
import type { RunnerLink, SessionParts, StateStore } from './ports';
import { ToolNotes } from './toolNotes';
import { recordTurn } from './turnRecord';

/** Events of one session that were applied, in order. */
export interface AppliedEvents {
  readonly sessionId: string;
  readonly events: readonly SessionEvent[];
}

/** Longest time that applying events keeps others from their turn, in milliseconds. */
const TURN_MS = 4;

/** What may wait to be applied before a session's runner is no longer read, in UTF-16 units. */
const MAX_WAITING_CHARS = 64 * 1024;

/** About how much can be read and parsed in a millisecond, which was done before it is applied. */
const READ_CHARS_A_MS = 256 * 1024;

/** How late the record of a session says that output was applied, in milliseconds. */
const SETTLE_MS = 1_000;

/** Runners hear what is durable after so much; to be told more often would not let them drop more. */
const ACKNOWLEDGED_CHARS = 256 * 1024;

/** What is needed of a connection. */
type IntakeLink = Pick<RunnerLink, 'pause' | 'resume' | 'acknowledge'>;

/** What has come from a runner. */
interface Intake {
  /** The connection that the last event came over. */
  link: IntakeLink;
  waiting: SessionEvent[];
  waitingChars: number;
  isPaused: boolean;
  unacknowledgedChars: number;
  /** When the record is to be brought up to date. */
  timer: Disposable | undefined;
}

/**
 * Applies what runners report, each event exactly once. An event that changes a session's record is
 * stored with its `seq` in one transaction; listeners hear of it afterwards. Output changes nothing: it
 * is handed out at once, and the record learns its `seq` with the next change, or within a second. What
 * a crash takes of that is only that it was handed out, and the next window hands it out again.
 *
 * Sessions take turns, and a turn is short; one whose events come faster than they are applied is read
 * no faster, so that its runner, and in the end its agent, waits.
 */
export class EventIntake implements Disposable {
  private readonly applied = new Emitter<AppliedEvents>();
  readonly onDidApply = this.applied.event;

  private readonly intakes = new Map<string, Intake>();
  /** The last events that were applied but are not in the record yet. */
  private readonly unstored = new Map<string, Pick<SessionEvent, 'seq' | 'at'>>();
  /** Sessions with events that wait, the one whose turn it is first. */
  private readonly queue = new Set<string>();
  private isScheduled = false;
  private readonly gate = new FloodGate();
  private hasEnded = false;

  private readonly store: StateStore;
  private readonly work: SessionParts['work'];
  private readonly tools: ToolNotes;
  private readonly later: Later;
  private readonly log: Logger;

  /** @param onFailure events could not be stored; they are to be asked for again */
  constructor(
    {
      store,
      work,
      later: given = later,
      log,
    }: Pick<SessionParts, 'store' | 'work' | 'later' | 'log'>,
    private readonly onFailure: (sessionId: string, error: unknown) => void,
  ) {
    this.store = store;
    this.work = work;
    this.tools = new ToolNotes(store.toolLog);
    this.later = given;
    this.log = log;
  }

  /** `seq` of the last event that was applied. */
  seqOf(sessionId: string): number {
    return this.upToDate(sessionId).appliedSeq;
  }

  /** Takes an event from a runner, to be applied soon. */
  take(sessionId: string, event: SessionEvent, link: IntakeLink): void {
    if (this.hasEnded) return;
    const intake = this.intakeOf(sessionId, link);
    intake.waiting.push(event);
    intake.waitingChars += sizeOf(event);
    if (intake.waitingChars > MAX_WAITING_CHARS && !intake.isPaused) {
      intake.isPaused = true;
      link.pause();
    }
    this.queue.add(sessionId);
    this.schedule();
  }

  /** Applies what waits, without waiting for a turn. */
  flush(sessionId: string): void {
    this.queue.delete(sessionId);
    const intake = this.intakes.get(sessionId);
    if (!intake || intake.waiting.length === 0 || this.hasEnded) return;
    const { waiting, waitingChars, link, isPaused } = intake;
    const startedMs = performance.now();
    intake.unacknowledgedChars += waitingChars;
    intake.waiting = [];
    intake.waitingChars = 0;
    intake.isPaused = false;
    try {
      this.apply(sessionId, waiting);
    } catch (error) {
      this.onFailure(sessionId, error);
      return;
    }
    const workMs = performance.now() - startedMs + waitingChars / READ_CHARS_A_MS;
    if (isPaused) this.gate.admit(link, workMs);
    if (waiting.at(-1)?.type === 'exit') this.forget(sessionId);
    else this.settleLater(sessionId, intake);
  }

  /**
   * Applies events.
   * @throws {StorageError} when they cannot be stored; none of them counts then
   */
  apply(sessionId: string, events: readonly SessionEvent[]): void {
    const fresh: SessionEvent[] = [];
    let session = this.upToDate(sessionId);
    const hear = (): void => {
      for (const event of events) {
        const before = session;
        session = applyEvent(before, event);
        if (session === before) continue;
        if (event.seq !== before.appliedSeq + 1) {
          this.log.error(
            `session ${sessionId}: event ${event.seq} came after ${before.appliedSeq}`,
          );
        }
        fresh.push(event);
        recordTurn(this.store, sessionId, event);
        this.tools.hear(sessionId, event);
        // Whoever gets its work must see that it has ended.
        if (event.type === 'exit') this.store.sessions.update(session);
        this.work.eventApplied(before, session, event);
      }
    };
    if (events.every(isOutput)) {
      hear();
      const last = fresh.at(-1);
      if (last) this.unstored.set(sessionId, { seq: last.seq, at: last.at });
    } else {
      this.store.mutate(() => {
        hear();
        if (fresh.length > 0) this.store.sessions.update(session);
      });
      this.unstored.delete(sessionId);
    }
    if (fresh.length > 0) this.applied.fire({ sessionId, events: fresh });
  }

  /**
   * Applies events as they are read, and brings the record up to date.
   * @returns how many there were, and why there were no more when their source has failed
   * @throws {StorageError} when they cannot be stored now
   */
  async applyAll(
    sessionId: string,
    events: AsyncIterable<SessionEvent>,
  ): Promise<{ readonly count: number; readonly failure: unknown }> {
    let [count, chars]: [number, number] = [0, 0];
    let failure: unknown;
    let batch: SessionEvent[] = [];
    const applyBatch = (): void => {
      if (batch.length > 0 && !this.hasEnded) this.apply(sessionId, batch);
      [batch, chars] = [[], 0];
    };
    const source = events[Symbol.asyncIterator]();
    try {
      while (!this.hasEnded) {
        const next = await source.next().catch((error: unknown) => void (failure = error));
        if (!next || next.done) break;
        batch.push(next.value);
        count += 1;
        chars += sizeOf(next.value);
        if (chars > MAX_WAITING_CHARS) applyBatch();
      }
      applyBatch();
      if (!this.hasEnded) this.settle(sessionId);
    } finally {
      await source.return?.();
    }
    return { count, failure };
  }

  /**
   * Brings the record of a session up to date with what was applied.
   * @throws {StorageError} when it cannot be stored now
   */
  settle(sessionId: string): void {
    // One that was deleted has no record.
    if (this.unstored.has(sessionId) && this.store.sessions.get(sessionId)) {
      this.store.mutate(() => this.store.sessions.update(this.upToDate(sessionId)));
    }
    this.unstored.delete(sessionId);
  }

  /** Applies and stores what is here, and takes no more. */
  dispose(): void {
    for (const [id, { timer }] of this.intakes) {
      timer?.dispose();
      this.flush(id);
    }
    this.hasEnded = true;
    this.gate.dispose();
    for (const id of [...this.unstored.keys()]) {
      try {
        this.settle(id);
      } catch (error) {
        this.log.error(`session ${id}: its last output will be handed out again`, error);
      }
    }
    for (const { timer } of this.intakes.values()) timer?.dispose();
    this.applied.dispose();
  }

  private intakeOf(sessionId: string, link: IntakeLink): Intake {
    let intake = this.intakes.get(sessionId);
    if (!intake) {
      intake = {
        link,
        waiting: [],
        waitingChars: 0,
        isPaused: false,
        unacknowledgedChars: 0,
        timer: undefined,
      };
      this.intakes.set(sessionId, intake);
    } else if (intake.link !== link) {
      // What the connection before has brought waits on; nobody reads from it any more.
      intake.link = link;
      intake.isPaused = false;
    }
    return intake;
  }

  private forget(sessionId: string): void {
    this.intakes.get(sessionId)?.timer?.dispose();
    this.intakes.delete(sessionId);
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    // What arrives in one burst becomes one transaction and one repaint.
    setImmediate(() => this.takeTurns());
  }

  private takeTurns(): void {
    this.isScheduled = false;
    const startedMs = performance.now();
    for (const sessionId of this.queue) {
      this.flush(sessionId);
      if (performance.now() - startedMs > TURN_MS) break;
    }
    if (this.queue.size > 0) this.schedule();
  }

  private settleLater(sessionId: string, intake: Intake): void {
    intake.timer ??= this.later(SETTLE_MS, () => {
      intake.timer = undefined;
      if (this.hasEnded) return;
      this.settleNow(sessionId, intake).catch((error: unknown) => {
        this.log.error(`session ${sessionId}: its progress cannot be stored now`, error);
        this.settleLater(sessionId, intake);
      });
    });
  }

  /** Also tells the runner what it may drop. */
  private async settleNow(sessionId: string, intake: Intake): Promise<void> {
    this.settle(sessionId);
    const { link, unacknowledgedChars } = intake;
    const seq = this.store.sessions.get(sessionId)?.appliedSeq;
    if (seq === undefined) this.forget(sessionId);
    else if (unacknowledgedChars >= ACKNOWLEDGED_CHARS) {
      intake.unacknowledgedChars = 0;
      await this.store.synced();
      link.acknowledge(seq);
    }
  }

  /** The record with all that was applied. */
  private upToDate(sessionId: string): Session {
    const session = requireSession(this.store, sessionId);
    const late = this.unstored.get(sessionId);
    return late ? { ...session, appliedSeq: late.seq, lastEventAt: late.at } : session;
  }
}

/** About how much memory an event takes, in UTF-16 units; only texts may be long. */
function sizeOf(event: SessionEvent): number {
  if ('text' in event) return event.text.length;
  return event.type === 'turn-started' ? event.prompt.length : 1_000;
}
