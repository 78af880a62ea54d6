import type { AgentEvent, OpenedConversation, TurnResult } from '../agents/agentConnection';
import type { ConversationTotals, EventBody } from '../domain/events';
import { findLimitNotice, findUsageLimit } from '../domain/usageLimit';

/** Most of an agent's message that is remembered, in UTF-16 units: a notice is short. */
const MAX_MESSAGE_CHARS = 1_000;

/** Costs are sums of floating-point numbers; what is smaller than this, in US dollars, is noise. */
const COST_DIGITS = 9;

type TurnEnded = Extract<EventBody, { readonly type: 'turn-ended' }>;

/** What one turn came to, in the terms of all agents. */
export interface SettledTurn {
  /** What is still to be said before the turn's end. */
  readonly events: readonly AgentEvent[];
  readonly ended: Omit<TurnEnded, 'type' | 'commandId'>;
}

/**
 * Makes the turns of different agents comparable: what an agent counts over its whole conversation
 * becomes what a turn used, and a turn that ended because an account is used up says so.
 */
export class TurnAccount {
  private conversationId: string | undefined;
  private totals: ConversationTotals;
  private message = '';
  private isMessageOver = false;
  private costSoFar: number | undefined;
  private hasLimit = false;
  private wasLimited = false;

  /**
   * @param continued the conversation that is to be taken up again, with what it had used; default none
   * @param now the clock, in milliseconds since 1970
   */
  constructor(
    continued: Continued = { conversationId: undefined, totals: undefined },
    private readonly now: () => number = Date.now,
  ) {
    this.conversationId = continued.conversationId;
    this.totals = continued.conversationId === undefined ? NOTHING : (continued.totals ?? UNKNOWN);
  }

  /** The agent has named its conversation: one that is not continued begins to count at nothing. */
  open({ conversationId, isContinued }: OpenedConversation): void {
    if (!isContinued && conversationId !== this.conversationId) this.totals = NOTHING;
    this.conversationId = conversationId;
  }

  /** A turn begins. */
  begin(): void {
    this.message = '';
    this.isMessageOver = false;
    this.costSoFar = undefined;
    this.hasLimit = false;
  }

  /** Takes notice of what the agent does. */
  hear(event: AgentEvent): void {
    switch (event.type) {
      case 'conversation':
        this.open(event);
        break;
      case 'cost':
        this.costSoFar = event.totalUsd;
        break;
      case 'usage-limit':
        this.hasLimit = true;
        break;
      case 'text':
        if (this.isMessageOver) this.message = '';
        this.isMessageOver = false;
        // One more than can be a notice is enough to know that it is none.
        if (this.message.length < MAX_MESSAGE_CHARS) this.message += event.text;
        break;
      case 'tool-call':
        // What an agent says before it does something is not what its turn came to.
        this.isMessageOver = true;
        break;
      case 'thought':
      case 'tool-update':
      case 'permission-requested':
      case 'plan':
      case 'mode':
      case 'stderr':
        break;
    }
  }

  /** True when the turn that ended last did so because the account is used up. */
  get isUsedUp(): boolean {
    return this.wasLimited;
  }

  /** The turn has ended. */
  settle(result: TurnResult): SettledTurn {
    const { tokens, costUsd } = result;
    const total: ConversationTotals = {
      tokens: result.totals?.tokens,
      costUsd: result.totals?.costUsd ?? this.costSoFar,
    };
    const before = this.totals;
    this.totals = {
      tokens: total.tokens ?? before.tokens,
      costUsd: total.costUsd ?? before.costUsd,
    };
    const limit = this.limitIn(result);
    this.wasLimited = limit !== undefined || this.hasLimit;
    return {
      events: limit && !this.hasLimit ? [{ type: 'usage-limit', ...limit }] : [],
      ended: {
        stopReason: this.wasLimited ? 'usage_limit' : result.stopReason,
        error: result.error,
        tokens: tokens ?? difference(total.tokens, before.tokens),
        costUsd: rounded(costUsd ?? difference(total.costUsd, before.costUsd)),
        totals: this.totals,
      },
    };
  }

  private limitIn(result: TurnResult): ReturnType<typeof findUsageLimit> {
    switch (result.stopReason) {
      case 'error':
      case 'usage_limit':
        return (
          findUsageLimit(result.error ?? '', this.now()) ??
          findLimitNotice(this.message, this.now())
        );
      case 'end_turn':
      case 'refusal':
        return findLimitNotice(this.message, this.now());
      case 'max_tokens':
      case 'max_turn_requests':
      case 'cancelled':
        return undefined;
    }
  }
}

interface Continued {
  readonly conversationId: string | undefined;
  readonly totals: ConversationTotals | undefined;
}

const NOTHING: ConversationTotals = { tokens: 0, costUsd: 0 };
const UNKNOWN: ConversationTotals = { tokens: undefined, costUsd: undefined };

/** A count that is lower than before has begun anew, with another process of the agent. */
function difference(total: number | undefined, before: number | undefined): number | undefined {
  if (total === undefined || before === undefined) return undefined;
  return total < before ? total : total - before;
}

function rounded(usd: number | undefined): number | undefined {
  return usd === undefined ? undefined : Number(usd.toFixed(COST_DIGITS));
}
