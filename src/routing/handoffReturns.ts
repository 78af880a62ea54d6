import { Emitter } from '../base/event';
import { MAX_ATTEMPTS, retryDelayMs, type Handoff } from '../domain/handoff';
import { firstLine, STRANDED, type HandoffChain } from './handoffChain';
import type { Settlement } from './settlement';

/** Work that goes back, because its receiver will not do it. Call it inside a transaction. */
export class HandoffReturns {
  private readonly putOff = new Emitter<number>();
  /** Fires with the time at which a handoff may be tried again. */
  readonly onDidPutOff = this.putOff.event;

  constructor(
    private readonly chain: HandoffChain,
    private readonly settlement: Settlement,
  ) {}

  /** The session it was made for could not be started: the work goes back, one attempt older. */
  failedToStart(handoff: Handoff, why: string): void {
    const attempts = handoff.attempts + 1;
    const reason = `Failed to start: ${why}`;
    if (attempts >= MAX_ATTEMPTS || this.chain.isOverdue(handoff)) {
      this.settlement.settle({ ...handoff, attempts }, false, reason);
      return;
    }
    const after = this.chain.clock() + retryDelayMs(attempts);
    this.putOff.fire(after);
    const source = this.chain.sourceOf(handoff);
    this.chain.close(handoff, { state: 'failed', reason, attempts });
    if (source) {
      const back = this.requeue(source, { attempts, after, reason });
      if (!this.chain.isActiveId(source.to)) this.giveBack(back, `Session ${source.to} has ended.`);
    } else {
      this.replace({ ...handoff, attempts, reason, state: 'failed' }, 'failed', reason, after);
    }
  }

  /** The receiver will not do it: the work goes back to whoever sent it, or up its line. */
  giveBack(handoff: Handoff, why: string): void {
    const source = this.chain.sourceOf(handoff);
    if (!source) {
      this.replace(handoff, 'withdrawn', why, handoff.after);
      return;
    }
    this.chain.close(handoff, { state: 'withdrawn', reason: why });
    const back = this.requeue(source, { reason: why });
    if (!this.chain.isActiveId(source.to)) this.giveBack(back, `Session ${source.to} has ended.`);
  }

  /** Ends a handoff that has no source in favour of a new one, which becomes its source. */
  private replace(
    handoff: Handoff,
    state: 'withdrawn' | 'failed',
    why: string,
    after: number | undefined,
  ): void {
    const to = this.firstActiveUp(handoff.from, handoff.to);
    if (to === undefined) {
      this.chain.change(handoff, { state: 'stranded', reason: why });
      this.chain.store.messages.setRead(handoff.id, false);
      this.strand(handoff);
      return;
    }
    const { attempts, deadline } = handoff;
    const reason = why;
    const replacement = this.chain.queue({
      ...this.chain.taskOf(handoff),
      // Its own: from an ended session below it, it would hang under that one from now on.
      from: to,
      to,
      purpose: 'team',
      attempts,
      deadline,
      after,
      reason,
    });
    this.chain.close(handoff, { state, reason: why, attempts, originId: replacement.id });
  }

  private requeue(source: Handoff, patch: Partial<Handoff>): Handoff {
    this.chain.store.messages.setRead(source.id, false);
    return this.chain.change(source, { state: 'queued', ...patch });
  }

  /** The first session that has not ended: `start`, or whoever handed over to it, and so on. */
  private firstActiveUp(start: string, not: string): string | undefined {
    const seen = new Set<string>();
    for (
      let id: string | undefined = start;
      id !== undefined && !seen.has(id);
      id = this.chain.store.handoffs.parentOf(id)
    ) {
      if (id !== not && this.chain.isActiveId(id)) return id;
      seen.add(id);
    }
    return undefined;
  }

  /** A person need not look any more at what was stranded at a session, if nothing is left of it. */
  noLongerStranded(sessionId: string): void {
    const { handoffs, attention } = this.chain.store;
    if (handoffs.openTo(sessionId).some(({ state }) => state === 'stranded')) return;
    for (const item of attention.open()) {
      if (item.kind === STRANDED && item.sessionId === sessionId) {
        attention.settle(item.id, this.chain.clock());
      }
    }
  }

  /** Says that nobody is left to do a handoff. */
  strand(handoff: Handoff): void {
    const { task } = this.chain.taskOf(handoff);
    const text = `Handoff ${handoff.id} has nobody left to do it: ${firstLine(task)}`;
    this.chain.needsPerson(handoff.to, STRANDED, text);
  }
}
