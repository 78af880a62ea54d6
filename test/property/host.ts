import { deferred } from '../../src/base/async';
import { messageOf, UserError } from '../../src/base/errors';
import { Emitter } from '../../src/base/event';
import type { Logger } from '../../src/base/log';
import { StorageError } from '../../src/domain/storageErrors';
import { HandoffBook } from '../../src/routing/handoffBook';
import { Routing } from '../../src/routing/routing';
import type { StateStore } from '../../src/session/ports';
import { SessionManager } from '../../src/session/sessionManager';
import type { DurableStore } from '../../src/store/durableStore';
import { HostGoneError, Passage } from './passage';
import type { World } from './world';

/** The store as one host has it: once the host is dead, nothing is written any more. */
class HostStore implements StateStore {
  private readonly changed = new Emitter<readonly string[]>();
  readonly onDidChange = this.changed.event;
  readonly sessions: StateStore['sessions'];
  readonly messages: StateStore['messages'];
  readonly handoffs: StateStore['handoffs'];
  readonly turns: StateStore['turns'];
  readonly toolLog: StateStore['toolLog'];
  readonly attention: StateStore['attention'];
  readonly activity: StateStore['activity'];
  readonly meta: StateStore['meta'];

  constructor(
    private readonly store: DurableStore,
    private readonly passage: Passage,
    private readonly onCommit: () => void,
  ) {
    this.sessions = store.sessions;
    this.messages = store.messages;
    this.handoffs = store.handoffs;
    this.turns = store.turns;
    this.toolLog = store.toolLog;
    this.attention = store.attention;
    this.activity = store.activity;
    this.meta = store.meta;
    store.onDidChange((ids) => {
      if (passage.isOpen) this.changed.fire(ids);
    });
  }

  mutate<T>(change: () => T): T {
    if (!this.passage.isOpen) throw new StorageError('lost-ownership', '/home');
    const result = this.store.mutate(change);
    this.onCommit();
    return result;
  }

  /** Death of a process, unlike that of the machine, loses nothing that was not synced. */
  async synced(): Promise<void> {
    await Promise.resolve();
  }
}

/** One window's life: the session manager and routing on a store that outlives it. */
export class Host {
  readonly manager: SessionManager;
  readonly routing: Routing;
  private readonly passage: Passage;
  private readonly end = deferred<undefined>();

  constructor(
    world: World,
    readonly store: DurableStore,
  ) {
    const { random, busy, runners, places, time, limits } = world;
    const passage = new Passage(random, busy);
    this.passage = passage;
    const { clock } = time;
    const guarded = new HostStore(store, passage, () => {
      busy.total += 1;
      world.committed(store);
    });
    const book = new HandoffBook(guarded, clock);
    const shared = {
      store: guarded,
      agents: places.agents(passage),
      git: places.git(passage),
      limits: () => limits,
      clock,
      later: time.laterFor(() => passage.isOpen),
      log: this.logger((defect) => world.defects.push(defect)),
    };
    this.manager = new SessionManager({
      ...shared,
      runners: runners.port(passage),
      folders: places.folders(passage),
      work: book,
    });
    this.routing = new Routing({
      ...shared,
      book,
      manager: this.manager,
      coordination: () => limits,
    });
  }

  get isAlive(): boolean {
    return this.passage.isOpen;
  }

  /** Settles when the host is gone. */
  get gone(): Promise<undefined> {
    return this.end.promise;
  }

  /** What is done when a window opens. */
  start(): void {
    void this.manager.adoptAll();
    this.routing.start();
  }

  /** As SIGKILL would: nothing is written, sent or told from now on. */
  kill(): void {
    this.passage.isOpen = false;
    this.end.resolve(undefined);
    this.routing.dispose();
    void this.manager.close();
  }

  /** As when a window closes; the store stays open until {@link World.dispose}. */
  async close(): Promise<void> {
    this.routing.dispose();
    await this.manager.close();
    this.passage.isOpen = false;
    this.end.resolve(undefined);
  }

  /** Takes what the parts report as an error and nobody expects for a defect. */
  private logger(report: (defect: string) => void): Logger {
    return {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (message, cause) => {
        if (!this.isAlive || cause instanceof UserError || cause instanceof HostGoneError) return;
        report(cause === undefined ? message : `${message}: ${stackOf(cause)}`);
      },
    };
  }
}

function stackOf(cause: unknown): string {
  return (cause instanceof Error ? cause.stack : undefined) ?? messageOf(cause);
}
