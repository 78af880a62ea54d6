import { DisposableStore, type Disposable } from '../base/disposable';
import { Coalesced } from '../base/async';
import { later, type Later } from '../base/timers';
import type { Clock } from '../domain/clock';
import type { Logger } from '../base/log';
import type { Session } from '../domain/session';
import type { StateStore } from '../session/ports';
import type { AppliedEvents } from '../session/eventIntake';
import type { Event } from '../base/event';
import type { Retries } from './retries';
import {
  hasRouted,
  type Backlog,
  type Coordination,
  type LeadDispatch,
  type LeadRebalance,
} from './backlog';

/** What the coordinator does by itself; read each time, as settings change. */
export interface CoordinatorSettings {
  /** Whether it routes what waits, without being asked. */
  readonly isAutoDispatching: boolean;
  /** Time between two passes, in milliseconds. */
  readonly heartbeatMs: number;
  /** Silence after which a running session has timed out, in milliseconds. */
  readonly sessionTimeoutMs: number;
}

/** The parts that the coordinator works with. */
export interface CoordinatorParts {
  readonly store: StateStore;
  readonly backlog: Backlog;
  readonly retries: Retries;
  readonly settings: () => CoordinatorSettings;
  /** Fires when agents did something. */
  readonly onDidApply: Event<AppliedEvents>;
  /** Ends a session as failed. */
  readonly timeOut: (sessionId: string, reason: string) => Promise<void>;
  readonly clock: Clock;
  /** Default: real time. */
  readonly later?: Later | undefined;
  readonly log: Logger;
}

/** How many leads a pass looks at. */
const LEADS_PER_PASS = 100;
/** When so many heartbeats are missing, the machine was asleep. */
const MISSED_BEATS = 4;
/** How many entries of activity are kept. */
const KEPT_ACTIVITY = 1_000;

/**
 * What goes on by itself: every heartbeat it ends sessions that have been silent for too long, tries
 * again what could not be started, and, when auto-dispatch is on, routes what waits and evens out the teams. Between heartbeats, the end of a
 * delegate's turn has its lead's inbox drained.
 */
export class Coordinator implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly leads = new Set<string>();
  private readonly drain = new Coalesced(() => this.drainLeads());
  private timer: Disposable | undefined;
  /** Since when agents are watched: silence while the machine slept, or no window was open, is no fault. */
  private awakeSince: number;
  private lastBeatAt: number;
  private hasEnded = false;

  constructor(private readonly parts: CoordinatorParts) {
    this.awakeSince = this.lastBeatAt = parts.clock();
    this.disposables.add(parts.onDidApply((applied) => this.afterEvents(applied)));
  }

  /**
   * Begins: with the inboxes, for a turn may have ended while nobody could drain them, and with a first
   * pass after one heartbeat.
   */
  start(): void {
    for (const { sessionId } of this.parts.store.handoffs.backlog(LEADS_PER_PASS)) {
      this.nudge(sessionId);
    }
    this.schedule();
  }

  /** Looks at a lead's inbox soon, when auto-dispatch is on. */
  nudge(leadId: string): void {
    if (this.hasEnded || !this.parts.settings().isAutoDispatching) return;
    this.leads.add(leadId);
    this.drain.request().catch((error: unknown) => this.failed(error));
  }

  /** One pass by request, over up to 100 leads. */
  async coordinate(): Promise<Coordination> {
    const result = await this.parts.backlog.coordinate(LEADS_PER_PASS);
    this.record('coordinate', result);
    return result;
  }

  /** Routes what waits in the inboxes of up to 100 leads, whether auto-dispatch is on or not. */
  async dispatch(): Promise<readonly LeadDispatch[]> {
    const dispatched = await this.parts.backlog.autoDispatch(LEADS_PER_PASS);
    this.record('dispatch', { dispatched, rebalanced: [] });
    return dispatched;
  }

  /** Evens out the teams of up to 100 leads, whether auto-dispatch is on or not. */
  async rebalance(): Promise<readonly LeadRebalance[]> {
    const rebalanced = await this.parts.backlog.rebalanceAll(LEADS_PER_PASS);
    this.record('rebalance', { dispatched: [], rebalanced });
    return rebalanced;
  }

  dispose(): void {
    this.hasEnded = true;
    this.timer?.dispose();
    this.disposables.dispose();
  }

  /** What is done every heartbeat. */
  async beat(): Promise<void> {
    await this.endSilent();
    await this.parts.retries.run();
    if (this.isOver() || !this.parts.settings().isAutoDispatching) return;
    await this.dispatch();
    if (this.isOver()) return;
    await this.rebalance();
  }

  /** A call, because the answer changes while others are awaited. */
  private isOver(): boolean {
    return this.hasEnded;
  }

  private schedule(): void {
    this.timer?.dispose();
    if (this.hasEnded) return;
    const { later: after = later, settings } = this.parts;
    this.timer = after(settings().heartbeatMs, () => {
      this.beat()
        .catch((error: unknown) => this.failed(error))
        .finally(() => this.schedule());
    });
  }

  private async endSilent(): Promise<void> {
    const { store, settings, clock, log, timeOut } = this.parts;
    const { sessionTimeoutMs, heartbeatMs } = settings();
    const now = clock();
    if (now - this.lastBeatAt > MISSED_BEATS * heartbeatMs) this.awakeSince = now;
    this.lastBeatAt = now;
    for (const id of store.sessions.runningIds()) {
      let session: Session | undefined;
      try {
        session = store.sessions.get(id);
      } catch (error) {
        log.error(`session ${id}: cannot be watched`, error);
      }
      // Time that an agent waits for a person is not its own.
      if (!session || session.requests.length > 0 || session.presence === 'unknown') continue;
      const silentMs = now - Math.max(this.awakeSince, session.lastEventAt ?? session.updatedAt);
      if (silentMs < sessionTimeoutMs) continue;
      const minutes = Math.round(silentMs / 60_000);
      const reason = `Timed out: its agent did nothing for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} (deputy.sessionTimeoutSeconds).`;
      await timeOut(id, reason).catch((error: unknown) =>
        log.error(`session ${id}: could not be ended after its time was up`, error),
      );
    }
  }

  private afterEvents({ sessionId, events }: AppliedEvents): void {
    if (!events.some(({ type }) => type === 'turn-ended' || type === 'exit')) return;
    const lead = this.parts.store.handoffs.parentOf(sessionId);
    if (lead !== undefined) this.nudge(lead);
    // What it could not do goes back to an inbox, perhaps its own.
    this.nudge(sessionId);
  }

  private async drainLeads(): Promise<void> {
    const leads = [...this.leads];
    this.leads.clear();
    const { backlog, store, log } = this.parts;
    const counts = store.handoffs.queuedCounts('team');
    for (const leadId of leads) {
      if (this.isOver()) return;
      const queued = counts.get(leadId);
      if (queued === undefined) continue;
      const dispatch = await backlog.dispatch(leadId, queued);
      if (dispatch.error !== undefined) {
        log.warn(`session ${leadId}: its inbox was not drained: ${dispatch.error}`);
      }
      if (hasRouted(dispatch)) this.record('dispatch', { dispatched: [dispatch], rebalanced: [] });
    }
  }

  private record(
    kind: string,
    { dispatched, rebalanced }: Pick<Coordination, 'dispatched' | 'rebalanced'>,
  ): void {
    const { store, clock } = this.parts;
    const routed = dispatched.reduce(
      (sum, { outcomes }) =>
        sum + outcomes.filter(({ action }) => action && action !== 'deferred_saturated').length,
      0,
    );
    const moved = rebalanced.reduce((sum, { moves }) => sum + moves.length, 0);
    const leads = new Set([...dispatched, ...rebalanced].map(({ leadId }) => leadId)).size;
    const detail = `${leads} ${leads === 1 ? 'lead' : 'leads'}, ${routed} routed, ${moved} moved`;
    store.mutate(() => {
      store.activity.insert({ at: clock(), kind, detail });
      store.activity.keepNewest(KEPT_ACTIVITY);
    });
  }

  private failed(error: unknown): void {
    this.parts.log.error('a pass of the coordinator failed', error);
  }
}
