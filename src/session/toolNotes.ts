import type { SessionEvent, ToolCall } from '../domain/events';
import { DEFAULT_RISK_THRESHOLDS, scoreToolCall } from '../domain/risk';
import type { ToolLogTable } from './ports';

/** Longest text of a tool call that is kept, in characters; the rest is in the session's events. */
const MAX_TEXT = 300;

interface OpenCall {
  readonly title: string;
  readonly kind: string;
  readonly locations: readonly string[];
  readonly output: string | undefined;
  readonly startedAt: number;
}

/** Keeps what agents do with tools: one entry a call, once it is over. */
export class ToolNotes {
  private readonly open = new Map<string, Map<string, OpenCall>>();

  /** @param log written to inside the transaction that {@link hear} is called in */
  constructor(private readonly log: Pick<ToolLogTable, 'insert'>) {}

  /** Takes notice of an event of a session, inside the transaction that makes it count. */
  hear(sessionId: string, event: SessionEvent): void {
    if (event.type === 'tool-call') {
      this.callsOf(sessionId).set(event.toolCallId, { ...event, startedAt: event.at });
      if (isOver(event.status)) this.keep(sessionId, event.toolCallId, event.at);
    } else if (event.type === 'tool-update') {
      const known = this.callsOf(sessionId).get(event.toolCallId);
      // News of a call that is on record already.
      if (!known && event.title === undefined) return;
      this.callsOf(sessionId).set(event.toolCallId, {
        title: event.title ?? known?.title ?? '',
        kind: event.kind ?? known?.kind ?? 'other',
        locations: event.locations ?? known?.locations ?? [],
        output: event.output ?? known?.output,
        startedAt: known?.startedAt ?? event.at,
      });
      if (isOver(event.status)) this.keep(sessionId, event.toolCallId, event.at);
    } else if (event.type === 'turn-ended' || event.type === 'exit') {
      // An agent may end without a word about what it was doing.
      for (const id of [...this.callsOf(sessionId).keys()]) this.keep(sessionId, id, event.at);
      this.open.delete(sessionId);
    }
  }

  private callsOf(sessionId: string): Map<string, OpenCall> {
    let calls = this.open.get(sessionId);
    if (!calls) {
      calls = new Map();
      this.open.set(sessionId, calls);
    }
    return calls;
  }

  private keep(sessionId: string, toolCallId: string, at: number): void {
    const calls = this.callsOf(sessionId);
    const call = calls.get(toolCallId);
    calls.delete(toolCallId);
    if (!call) return;
    const input = [call.title, ...call.locations].join(' ');
    this.log.insert({
      sessionId,
      toolName: call.kind,
      inputSummary: shortened(call.title),
      outputSummary: shortened(call.output ?? ''),
      durationMs: Math.max(0, Math.round(at - call.startedAt)),
      riskScore: scoreToolCall(call.kind, input, DEFAULT_RISK_THRESHOLDS).score,
      timestamp: call.startedAt,
    });
  }
}

function isOver(status: ToolCall['status'] | undefined): boolean {
  return status === 'completed' || status === 'failed';
}

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}
