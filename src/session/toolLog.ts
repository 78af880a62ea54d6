import { UserError } from '../base/errors';
import type { Clock } from '../domain/clock';
import { scoreToolCall, type RiskAssessment, type RiskThresholds } from '../domain/risk';
import { requireSession } from './lookup';
import type { StateStore, ToolLogEntry } from './ports';

/** A tool call that is to be kept. */
export interface ToolCallRecord {
  readonly tool: string;
  readonly inputSummary: string;
  readonly outputSummary: string;
  /** Milliseconds. */
  readonly durationMs: number;
}

/** One page of a session's tool calls. */
export interface ToolCallPage {
  /** The newest first. */
  readonly entries: readonly ToolLogEntry[];
  /** On all pages. */
  readonly total: number;
}

/** What agents did with tools, each call with its risk. */
export class ToolLog {
  constructor(
    private readonly store: StateStore,
    private readonly thresholds: () => RiskThresholds,
    private readonly clock: Clock,
  ) {}

  /**
   * Scores a tool call, keeps it, and counts it for its session; one transaction.
   * @throws {SessionNotFoundError} when there is no such session
   */
  record(sessionId: string, call: ToolCallRecord): RiskAssessment {
    const risk = scoreToolCall(call.tool, call.inputSummary, this.thresholds());
    this.store.mutate(() => {
      const session = requireSession(this.store, sessionId);
      this.store.toolLog.insert({
        sessionId,
        toolName: call.tool,
        inputSummary: call.inputSummary,
        outputSummary: call.outputSummary,
        durationMs: Math.max(0, Math.round(call.durationMs)),
        riskScore: risk.score,
        timestamp: this.clock(),
      });
      const { metrics } = session;
      this.store.sessions.update({
        ...session,
        metrics: { ...metrics, toolCalls: metrics.toolCalls + 1 },
      });
    });
    return risk;
  }

  /**
   * A page of a session's tool calls.
   * @param page from 1
   * @param pageSize at least 1
   * @throws {UserError} for a page or size below that
   * @throws {SessionNotFoundError} when there is no such session
   */
  query(sessionId: string, page: number, pageSize: number): ToolCallPage {
    for (const [what, value] of [
      ['page', page],
      ['page size', pageSize],
    ] as const) {
      if (!Number.isInteger(value) || value < 1) {
        throw new UserError(`The ${what} must be a whole number from 1 on, not ${value}.`);
      }
    }
    requireSession(this.store, sessionId);
    return {
      entries: this.store.toolLog.page(sessionId, page, pageSize),
      total: this.store.toolLog.count(sessionId),
    };
  }
}
