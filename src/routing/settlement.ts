import type { Handoff } from '../domain/handoff';
import { encodeMessage } from '../domain/message';
import { FAILED, firstLine, type HandoffChain } from './handoffChain';
import type { TurnNotes } from './turnNotes';

/** The end of handoffs, and how it gets known. Call it inside a transaction. */
export class Settlement {
  constructor(
    private readonly chain: HandoffChain,
    private readonly notes: TurnNotes,
  ) {}

  /** It is over: says so to whoever sent it, and settles the handoff that it was made for. */
  settle(handoff: Handoff, isDone: boolean, reason: string | undefined): void {
    const state = isDone ? 'done' : 'failed';
    const result = this.report(handoff, isDone, reason);
    this.chain.close(handoff, { state, resultMessageId: result, ...(isDone ? {} : { reason }) });
    if (!isDone)
      this.chain.needsPerson(handoff.to, FAILED, `Handoff ${handoff.id} failed: ${reason ?? ''}`);
    const source = this.chain.sourceOf(handoff);
    if (!source) return;
    const isWaiting =
      source.state === 'routed' || (source.state === 'taken' && this.chain.isTurnOver(source));
    if (isWaiting && !this.chain.hasOpenChild(source)) {
      this.settleSource(source, handoff, isDone, reason, result);
    }
  }

  /** The source of a handoff that is over; the lead that was told already is not told again. */
  private settleSource(
    source: Handoff,
    child: Handoff,
    isDone: boolean,
    reason: string | undefined,
    told: number | undefined,
  ): void {
    const result = source.from === child.from ? told : this.report(source, isDone, reason, child);
    this.chain.change(source, {
      state: isDone ? 'done' : 'failed',
      resultMessageId: result,
      ...(isDone ? {} : { reason }),
    });
    const next = this.chain.sourceOf(source);
    if (next?.state === 'routed' && !this.chain.hasOpenChild(next)) {
      this.settleSource(next, source, isDone, reason, result);
    }
  }

  /** Sends the result to the sender, if that is a session. @returns the message's id */
  private report(
    handoff: Handoff,
    isDone: boolean,
    reason: string | undefined,
    doneBy: Handoff = handoff,
  ): number | undefined {
    const { from } = handoff;
    if (!this.chain.store.sessions.get(from)) return undefined;
    const { task } = this.chain.taskOf(handoff);
    const { summary, filesChanged } = this.notes.of(doneBy.to);
    return this.chain.store.messages.insert({
      from: doneBy.to,
      to: from,
      type: isDone ? 'completed' : 'response',
      content: encodeMessage(
        isDone
          ? { type: 'completed', summary: summary ?? `Done: ${firstLine(task)}`, filesChanged }
          : { type: 'response', answer: `Failed: ${firstLine(task)}. ${reason ?? ''}`.trim() },
      ),
      timestamp: this.chain.clock(),
    });
  }
}
