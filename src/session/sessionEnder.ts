import { randomUUID } from 'node:crypto';
import { UserError } from '../base/errors';
import type { StopIntent } from '../domain/events';
import { isActive, type Session } from '../domain/session';
import { WrongStateError } from './errors';
import { requireSession } from './lookup';
import type { SessionParts } from './ports';
import type { SessionStarter } from './sessionStarter';
import type { Supervisor } from './supervisor';

/** Ends sessions. Calls for one session must not overlap. */
export class SessionEnder {
  constructor(
    private readonly parts: SessionParts,
    private readonly supervisor: Supervisor,
    private readonly starter: SessionStarter,
  ) {}

  /** Ends a session's agent and everything that it started; settles when the record says so. */
  async end(id: string, intent: StopIntent): Promise<void> {
    const session = this.get(id);
    if (this.starter.cancelStart(id, new WrongStateError(session, 'start', 'It was stopped.'))) {
      this.settle(id, { state: 'stopped' });
      return;
    }
    const link = await this.supervisor.connect(id);
    if (link) {
      await link.stop(randomUUID(), intent);
      await this.supervisor.until(id, (it) => !isActive(it.state));
      return;
    }
    this.settle(id, { state: intent === 'stop' ? 'stopped' : 'completed' });
  }

  /** Fails a session and then ends its agent: the reason is decided before the agent has a say. */
  async fail(id: string, reason: string): Promise<void> {
    if (!isActive(this.get(id).state)) return;
    // Whoever waits for its start must not wait for ever.
    if (this.starter.cancelStart(id, new UserError(reason))) {
      this.settle(id, { state: 'failed', reason });
      return;
    }
    const link = await this.supervisor.connect(id);
    if (!isActive(this.get(id).state)) return;
    this.settle(id, { state: 'failed', reason, requests: [], turnStartedAt: undefined });
    if (link) await this.endLeftover(id);
  }

  /** Ends the agent of a session that has ended before it. */
  async endLeftover(id: string): Promise<void> {
    const { state, presence } = this.get(id);
    if (isActive(state) || presence === 'gone') return;
    const link = await this.supervisor.connect(id);
    if (!link) return;
    await link.stop(randomUUID(), 'stop');
    await this.supervisor.until(id, (it) => it.presence === 'gone');
  }

  /** One transaction: the session has ended, and its work goes back. */
  private settle(id: string, patch: Partial<Session>): void {
    const { store, work, clock } = this.parts;
    const session = this.get(id);
    if (!isActive(session.state)) return;
    const ended: Session = { ...session, ...patch, updatedAt: clock() };
    store.mutate(() => {
      store.sessions.update(ended);
      work.ended(ended);
    });
  }

  private get(id: string): Session {
    return requireSession(this.parts.store, id);
  }
}
