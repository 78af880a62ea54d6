import { KeyedQueue } from '../base/async';
import type { Disposable } from '../base/disposable';
import { errorCode } from '../base/errors';
import { Emitter } from '../base/event';
import type { Logger } from '../base/log';
import { later, type Later } from '../base/timers';
import type { Clock } from '../domain/clock';
import { isActive, type Session } from '../domain/session';
import { LetGoError, RunnerUnreachableError } from './errors';
import { EventIntake } from './eventIntake';
import { requireSession, updateSession } from './lookup';
import type { RunnerLink, SessionParts } from './ports';

/**
 * What came of looking for a runner. `never-started`: there is none, and there never was one;
 * `let-go`: this window has let go of the sessions meanwhile.
 */
export type Adoption = 'followed' | 'unknown' | 'ended' | 'never-started' | 'let-go';

/**
 * Follows the runners of all live sessions: applies what they report to the records, each event
 * exactly once, connects again when a connection ends, and settles the record of a runner that died.
 */
export class Supervisor implements Disposable {
  private readonly intake: EventIntake;
  /** See {@link EventIntake}. */
  readonly onDidApply: EventIntake['onDidApply'];

  private readonly followed = new Emitter<string>();
  /** Fires with the id of a session whose runner is heard from now on. */
  readonly onDidFollow = this.followed.event;

  private readonly links = new Map<string, RunnerLink>();
  /** When sessions are looked for again. */
  private readonly lookingAgain = new Map<string, Disposable>();
  /** One after the other: of two connections at once, one would never be let go of. */
  private readonly adoptions = new KeyedQueue();
  private readonly end = new AbortController();

  private readonly store: SessionParts['store'];
  private readonly runners: SessionParts['runners'];
  private readonly work: SessionParts['work'];
  private readonly clock: Clock;
  private readonly later: Later;
  private readonly log: Logger;

  constructor(parts: SessionParts) {
    const { store, runners, work, clock, later: given = later, log } = parts;
    this.store = store;
    this.runners = runners;
    this.work = work;
    this.clock = clock;
    this.later = given;
    this.log = log;
    this.intake = new EventIntake(parts, (sessionId, error) => {
      // The runner has them all: they are asked for again once they can be stored.
      this.log.error(`session ${sessionId}: what its agent did cannot be stored now`, error);
      this.letGo(sessionId);
      this.lookAgainLater(sessionId);
    });
    this.onDidApply = this.intake.onDidApply;
  }

  /** See {@link EventIntake.seqOf}. */
  appliedSeq(sessionId: string): number {
    return this.intake.seqOf(sessionId);
  }

  /** True while all that the session's runner has reported is known here: it can be given work. */
  isFollowing(sessionId: string): boolean {
    const link = this.links.get(sessionId);
    return link !== undefined && this.appliedSeq(sessionId) >= link.lastSeq;
  }

  /** True while `link` is the connection to the session's runner; it is not once it has ended. */
  isCurrent(sessionId: string, link: RunnerLink): boolean {
    return this.links.get(sessionId) === link;
  }

  /** Applies what the runner reports from now on, and what the record does not have yet. */
  private async follow(sessionId: string, link: RunnerLink): Promise<void> {
    const before = this.links.get(sessionId);
    this.links.set(sessionId, link);
    before?.close();
    link.onDidClose(() => {
      if (this.links.get(sessionId) !== link) return;
      this.links.delete(sessionId);
      this.intake.flush(sessionId);
      if (this.hasEnded() || !this.hasAgent(sessionId) || this.lookingAgain.has(sessionId)) return;
      this.log.info(`session ${sessionId}: the connection to its runner ended, looking for it`);
      this.adoptOrRetry(sessionId);
    });
    try {
      await link.subscribe(this.appliedSeq(sessionId) + 1, (event) => {
        if (this.isCurrent(sessionId, link)) this.intake.take(sessionId, event, link);
      });
    } catch (error) {
      // It may have ended before its end could be heard.
      if (this.links.get(sessionId) === link) this.letGo(sessionId);
      throw error;
    }
    this.followed.fire(sessionId);
  }

  /**
   * Finds the runner of a session again. A living one is followed; of a dead one the rest of its log
   * is applied, what it left behind is ended, and the session failed unless its log says otherwise.
   * A pending session whose runner has never said anything stays as it is.
   */
  adopt(sessionId: string): Promise<Adoption> {
    return this.adoptions.run(sessionId, () => this.find(sessionId));
  }

  /**
   * Starts a session's runner and follows it. Nobody looks for it in between: one that is not there yet
   * would be taken for gone, and what it has started so far be ended.
   * @param start settles when the runner is up
   */
  launch(sessionId: string, start: () => Promise<void>): Promise<Adoption> {
    return this.adoptions.run(sessionId, async () => {
      await start();
      return this.find(sessionId);
    });
  }

  /** {@link adopt} unless the runner is followed, or is by the time that its turn comes. */
  private adoptIfLost(sessionId: string): Promise<Adoption> {
    return this.adoptions.run(sessionId, async () =>
      this.links.has(sessionId) ? 'followed' : this.find(sessionId),
    );
  }

  private async find(sessionId: string): Promise<Adoption> {
    const found = await this.runners.find(sessionId);
    if (this.hasEnded()) {
      if (found.presence === 'alive') found.link.close();
      return 'let-go';
    }
    switch (found.presence) {
      case 'alive':
        this.log.info(`session ${sessionId}: its runner is alive, going on with it`);
        this.setPresence(sessionId, 'alive');
        await this.follow(sessionId, found.link);
        return 'followed';
      case 'unknown':
        this.log.warn(`session ${sessionId}: its runner does not answer but seems to be alive`);
        this.setPresence(sessionId, 'unknown');
        this.lookAgainLater(sessionId);
        return 'unknown';
      case 'gone':
        return (await this.settleGone(sessionId)) ? 'ended' : 'never-started';
    }
  }

  /** Finds a lost runner again, and tries it later when that fails, as it does while nothing can be written. */
  adoptOrRetry(sessionId: string): void {
    this.adoptIfLost(sessionId).catch((error: unknown) => {
      this.log.error(`session ${sessionId}: could not be found again`, error);
      this.letGo(sessionId);
      this.lookAgainLater(sessionId);
    });
  }

  /** Ends a connection that nothing comes over any more, and looks for the runner again. */
  doubt(sessionId: string): void {
    this.letGo(sessionId);
    this.adoptOrRetry(sessionId);
  }

  /**
   * The connection to a session's runner, made anew when there is none.
   * @returns undefined when the runner is gone; the record says how it ended
   * @throws {RunnerUnreachableError} when it seems to live but does not answer
   * @throws {LetGoError} when this window has let go of the sessions
   */
  async connect(sessionId: string): Promise<RunnerLink | undefined> {
    const known = this.links.get(sessionId);
    if (known) return known;
    const adoption = await this.adoptIfLost(sessionId);
    // That nobody was looked for does not mean that nobody is there.
    this.assertHolding(sessionId);
    const link = this.links.get(sessionId);
    // Only one that was not found is known to be gone; another connection may have ended again by now.
    if (!link && (adoption === 'unknown' || adoption === 'followed')) {
      throw new RunnerUnreachableError(sessionId);
    }
    return link;
  }

  /**
   * Settles with the record as soon as `isReached` holds for it.
   * @throws {LetGoError} when this window lets go of the sessions first
   */
  until(sessionId: string, isReached: (session: Session) => boolean): Promise<Session> {
    const { signal } = this.end;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        subscription.dispose();
        signal.removeEventListener('abort', giveUp);
      };
      const giveUp = (): void => {
        done();
        reject(new LetGoError(sessionId));
      };
      const look = (): void => {
        const session = this.require(sessionId);
        if (!isReached(session)) return;
        done();
        resolve(session);
      };
      const subscription = this.store.onDidChange((ids) => {
        if (ids.includes(sessionId)) look();
      });
      signal.addEventListener('abort', giveUp);
      if (signal.aborted) giveUp();
      else look();
    });
  }

  /** @throws {LetGoError} when this window has let go of the sessions */
  assertHolding(sessionId: string): void {
    if (this.hasEnded()) throw new LetGoError(sessionId);
  }

  /** Lets go of all runners; they live on. */
  dispose(): void {
    this.intake.dispose();
    this.end.abort();
    for (const link of this.links.values()) link.close();
    this.links.clear();
    for (const timer of this.lookingAgain.values()) timer.dispose();
    this.followed.dispose();
  }

  /** A call, because the answer changes while others are awaited. */
  private hasEnded(): boolean {
    return this.end.signal.aborted;
  }

  private letGo(sessionId: string): void {
    const link = this.links.get(sessionId);
    this.links.delete(sessionId);
    link?.close();
  }

  /** @returns false for a pending session that has not begun: it can still be started */
  private async settleGone(sessionId: string): Promise<boolean> {
    const rest = this.runners.readEvents(sessionId, this.appliedSeq(sessionId) + 1);
    const { count, failure } = await this.intake.applyAll(sessionId, rest);
    let unreadable: string | undefined;
    if (failure !== undefined) {
      // What comes before the damaged place counts; the message could quote what an agent said.
      unreadable = errorCode(failure) ?? 'damaged';
      this.log.error(`session ${sessionId}: its events cannot be read to the end (${unreadable})`);
    }
    if (this.hasEnded()) return true;
    const hadEnded = !this.isLive(sessionId);
    const swept = await this.runners.sweep(sessionId);
    if (this.hasEnded()) return true;
    if (hadEnded) {
      updateSession(this.store, sessionId, { presence: 'gone', pid: undefined });
      return true;
    }
    if (count === 0 && unreadable === undefined) {
      if (this.require(sessionId).state === 'pending') return false;
    }
    this.log.warn(`session ${sessionId}: its runner is gone; ended ${swept} processes it left`);
    this.store.mutate(() => {
      const failed: Session = {
        ...this.require(sessionId),
        state: 'failed',
        presence: 'gone',
        pid: undefined,
        requests: [],
        turnStartedAt: undefined,
        ending: 'lost',
        reason:
          unreadable === undefined
            ? RUNNER_DIED
            : `Its events cannot be read to the end (${unreadable}).`,
        updatedAt: this.clock(),
      };
      this.store.sessions.update(failed);
      this.work.ended(failed);
    });
    return true;
  }

  /** Nothing tells when a runner that does not answer does so again, or ends. */
  lookAgainLater(sessionId: string): void {
    if (this.lookingAgain.has(sessionId)) return;
    const timer = this.later(LOOK_AGAIN_MS, () => {
      this.lookingAgain.delete(sessionId);
      if (this.hasEnded() || !this.hasAgent(sessionId) || this.links.has(sessionId)) return;
      this.adoptOrRetry(sessionId);
    });
    this.lookingAgain.set(sessionId, timer);
  }

  private setPresence(sessionId: string, presence: Session['presence']): void {
    if (this.require(sessionId).presence === presence) return;
    updateSession(this.store, sessionId, { presence });
  }

  private isLive(sessionId: string): boolean {
    const session = this.store.sessions.get(sessionId);
    return session !== undefined && isActive(session.state);
  }

  /** A session that has ended may have an agent that is still to be ended. */
  private hasAgent(sessionId: string): boolean {
    const session = this.store.sessions.get(sessionId);
    return session !== undefined && (isActive(session.state) || session.presence !== 'gone');
  }

  private require(sessionId: string): Session {
    return requireSession(this.store, sessionId);
  }
}

/** How often a runner that does not answer is looked for, in milliseconds. */
const LOOK_AGAIN_MS = 10_000;

const RUNNER_DIED =
  'The process that runs the agent ended without a word: it was killed, or the machine restarted.';
