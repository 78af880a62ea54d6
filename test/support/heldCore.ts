import type { AgentDefinition } from '../../src/domain/agent';
import type { HandoffPurpose } from '../../src/domain/handoff';
import type { Session } from '../../src/domain/session';
import type { FirstPrompt, RunnerPort } from '../../src/session/ports';
import { TestCore } from './core';
import { HeldRunners } from './heldRunners';
import { makeSession } from './sessions';
import { makeTempFolder, removeTempFolder } from './tempFolder';

/**
 * A {@link TestCore} in which no agent runs: store, git, routing and session management are real, but
 * starts and deliveries are held back until the test lets them go on.
 */
export class HeldCore extends TestCore {
  /** They outlive a reload, as real ones do. */
  readonly runners = new HeldRunners();
  private readonly openedAt = Date.now();

  /** @param ownAgents agents beside the presets; read each time, as settings are */
  static override async open(ownAgents: readonly AgentDefinition[] = []): Promise<HeldCore> {
    return new HeldCore(await makeTempFolder(), ownAgents).prepare();
  }

  /**
   * Puts a session straight into the store: a running rehearsal session in the repository's own
   * folder. Its runner is found with the next `manager.adoptAll` when its presence is `alive`.
   * @param minutesOld minutes since it changed its state last
   */
  insert(id: string, minutesOld: number, patch: Partial<Session> = {}): Session {
    const updatedAt = this.openedAt - minutesOld * 60_000;
    const session = makeSession({
      id,
      task: `task of ${id}`,
      state: 'running',
      workingDir: this.repository,
      createdAt: updatedAt,
      updatedAt,
      ...patch,
    });
    if (session.presence === 'alive') this.runners.of(id).presence = 'alive';
    this.store.mutate(() => this.store.sessions.insert(session));
    return session;
  }

  /** Puts a handoff straight into an inbox; its number. The sender need not be a session. */
  queue(from: string, to: string, task: string, purpose: HandoffPurpose = 'self'): number {
    return this.store.mutate(() => {
      const body = { task, context: '', priority: 'normal', agentType: undefined } as const;
      return this.book.queue({ ...body, from, to, purpose }).id;
    });
  }

  /** The receiver has done it. */
  settle(handoffId: number): void {
    this.store.mutate(() => {
      this.store.handoffs.update({ ...this.handoff(handoffId), state: 'done' });
      this.store.messages.setRead(handoffId, true);
    });
  }

  /** {@link queue}, and the receiver has done it: the sender is its lead from then on. */
  isLeadOf(from: string, to: string): void {
    this.settle(this.queue(from, to, `old task of ${to}`));
  }

  /** The tasks of all handoffs to a session that wait, in the order in which they are to be done. */
  waiting(sessionId: string, purpose: HandoffPurpose = 'self'): readonly string[] {
    return this.store.handoffs
      .queued(sessionId, purpose)
      .map((handoff) => this.book.taskOf(handoff).task);
  }

  /** Number of unread messages to a session, handoffs included. */
  unread(sessionId: string): number {
    return this.store.messages.unreadCounts().get(sessionId) ?? 0;
  }

  /** What a session that is being started is to be told first, as soon as its start was asked for. */
  firstPrompt(sessionId: string): Promise<FirstPrompt> {
    return this.runners.of(sessionId).whenAsked();
  }

  override async reopen(gitEnvironment?: NodeJS.ProcessEnv): Promise<void> {
    await super.reopen(gitEnvironment);
    this.runners.begin();
  }

  override async close(): Promise<void> {
    this.runners.end();
    await super.close();
  }

  /** There is nothing to be stopped. */
  override async dispose(): Promise<void> {
    await this.close();
    await removeTempFolder(this.root);
  }

  protected override makeRunners(): RunnerPort {
    return this.runners;
  }
}
