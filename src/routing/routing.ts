import type { Disposable } from '../base/disposable';
import { DisposableStore } from '../base/disposable';
import type { Logger } from '../base/log';
import type { Later } from '../base/timers';
import type { Clock } from '../domain/clock';
import type { AgentPort, GitPort, StateStore } from '../session/ports';
import type { SessionManager } from '../session/sessionManager';
import { Assigner } from './assigner';
import { Backlog } from './backlog';
import { Coordinator, type CoordinatorSettings } from './coordinator';
import { Delivery } from './delivery';
import type { HandoffBook } from './handoffBook';
import { Messenger } from './messenger';
import type { RoutingLimits } from './parts';
import { Retries } from './retries';

/** What routing is built from. */
export interface RoutingOptions {
  readonly store: StateStore;
  readonly book: HandoffBook;
  readonly manager: SessionManager;
  readonly agents: AgentPort;
  readonly git: GitPort;
  readonly limits: () => RoutingLimits;
  readonly coordination: () => CoordinatorSettings;
  readonly clock: Clock;
  /** Default: real time. */
  readonly later?: Later;
  readonly log: Logger;
}

/** Who gets which work: the parts of routing, wired. */
export class Routing implements Disposable {
  readonly assigner: Assigner;
  readonly backlog: Backlog;
  readonly messenger: Messenger;
  readonly coordinator: Coordinator;
  private readonly manager: SessionManager;
  private readonly delivery: Delivery;
  private readonly retries: Retries;
  private readonly disposables = new DisposableStore();
  private hasEnded = false;

  constructor(options: RoutingOptions) {
    const { store, book, manager, agents, git, limits, clock, later, log } = options;
    const delivery = new Delivery({
      store,
      book,
      turns: manager,
      slots: manager.slots,
      clock,
      later,
      log,
    });
    const team = {
      startSoon: (id: string) => manager.startSoon(id),
      isFollowing: (id: string) => manager.isFollowing(id),
      isGiving: (id: number) => delivery.isGiving(id),
    };
    const parts = { store, book, agents, git, team, limits, clock, log };
    this.manager = manager;
    this.delivery = delivery;
    this.assigner = new Assigner(parts);
    this.backlog = new Backlog(parts, this.assigner);
    this.messenger = new Messenger(store, book, team, clock);
    this.retries = new Retries({ store, book, assigner: this.assigner, clock, later, log });
    this.coordinator = new Coordinator({
      store,
      backlog: this.backlog,
      retries: this.retries,
      settings: options.coordination,
      onDidApply: manager.onDidApply,
      timeOut: (id, reason) => manager.timeOut(id, reason),
      clock,
      later,
      log,
    });
    this.disposables.add(this.delivery);
    this.disposables.add(this.coordinator);
    this.disposables.add(this.retries);
    // Sessions that were found again may have work waiting.
    this.disposables.add(manager.onDidFollow((id) => this.delivery.lookAt(id)));
  }

  /** Begins with what goes on by itself; not after {@link dispose}. */
  start(): void {
    if (this.hasEnded) return;
    this.coordinator.start();
    this.retries.start();
    this.delivery.lookAtAll();
  }

  /** Gives what waits to those who may have it, because the limits have changed. */
  wake(): void {
    this.manager.wake();
    this.delivery.lookAtAll();
  }

  dispose(): void {
    this.hasEnded = true;
    this.disposables.dispose();
  }
}
