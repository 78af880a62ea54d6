import assert from 'node:assert/strict';
import type { AgentEvent, TurnResult } from '../../src/agents/agentConnection';
import type { ConversationTotals } from '../../src/domain/events';
import { TurnAccount, type SettledTurn } from '../../src/runner/turnAccount';

const NOW = Date.UTC(2026, 10, 25, 12, 0);

const DONE: TurnResult = { stopReason: 'end_turn', error: undefined, tokens: undefined };

function account(conversationId?: string, totals?: ConversationTotals): TurnAccount {
  return new TurnAccount({ conversationId, totals }, () => NOW);
}

/** One turn: what the agent does, and how it ends. */
function turn(it: TurnAccount, events: readonly AgentEvent[], result = DONE): SettledTurn {
  it.begin();
  for (const event of events) it.hear(event);
  return it.settle(result);
}

const cost = (totalUsd: number): AgentEvent => ({ type: 'cost', totalUsd });
const text = (said: string): AgentEvent => ({ type: 'text', text: said });
const named = (conversationId: string, isContinued: boolean): AgentEvent => ({
  type: 'conversation',
  conversationId,
  isContinued,
  canContinue: true,
});

describe('TurnAccount', () => {
  it('tells what a turn cost of what its agent counts over the conversation', () => {
    const it = account();
    assert.equal(turn(it, [cost(0.1), cost(0.2)]).ended.costUsd, 0.2);
    assert.equal(turn(it, [cost(0.3)]).ended.costUsd, 0.1);
    assert.equal(turn(it, []).ended.costUsd, undefined);
    assert.equal(turn(it, [cost(0.7)]).ended.costUsd, 0.4);
  });

  it('goes on from what a conversation had used', () => {
    const it = account('c', { tokens: 100, costUsd: 1 });
    const { ended } = turn(it, [named('c', true)], {
      ...DONE,
      totals: { tokens: 150, costUsd: 1.5 },
    });
    assert.deepEqual([ended.tokens, ended.costUsd], [50, 0.5]);
    assert.deepEqual(ended.totals, { tokens: 150, costUsd: 1.5 });
  });

  it('says nothing of a turn when it is not known what was used before it', () => {
    const it = account('c');
    assert.equal(turn(it, [named('c', true), cost(5)]).ended.costUsd, undefined);
    assert.equal(turn(it, [cost(6)]).ended.costUsd, 1);
  });

  it('begins at nothing with another conversation, but not with a copy', () => {
    const it = account('a', { tokens: 10, costUsd: 1 });
    assert.equal(turn(it, [named('b', true), cost(1.5)]).ended.costUsd, 0.5);
    assert.equal(turn(it, [named('c', false), cost(2)]).ended.costUsd, 2);
  });

  it('notices that a count began anew', () => {
    const it = account('a', { tokens: 10, costUsd: 1 });
    assert.equal(turn(it, [cost(0.25)]).ended.costUsd, 0.25);
    assert.equal(turn(it, [cost(0.5)]).ended.costUsd, 0.25);
  });

  it('takes what an agent counts by turn as it is', () => {
    const it = account();
    const { ended } = turn(it, [], { ...DONE, tokens: 7, costUsd: 0.1 });
    assert.deepEqual([ended.tokens, ended.costUsd], [7, 0.1]);
  });

  it('recognises a usage limit in an error, and says it once', () => {
    const error = "You've hit your limit · resets 3pm (UTC)";
    const failed: TurnResult = { ...DONE, stopReason: 'error', error };
    const resetsAt = NOW + 3 * 3_600_000;
    const it = account();
    const { events, ended } = turn(it, [], failed);
    assert.deepEqual(events, [{ type: 'usage-limit', resetsAt, text: error }]);
    assert.deepEqual([ended.stopReason, ended.error], ['usage_limit', error]);
    assert.ok(it.isUsedUp);
    const said = turn(it, [{ type: 'usage-limit', resetsAt, text: error }], failed);
    assert.deepEqual([said.events, said.ended.stopReason], [[], 'usage_limit']);
    assert.equal(turn(it, []).ended.stopReason, 'end_turn');
    assert.ok(!it.isUsedUp);
  });

  it('recognises a notice that an agent gives as its answer', () => {
    const tool: AgentEvent = {
      type: 'tool-call',
      toolCallId: 't',
      title: 'x',
      kind: 'other',
      status: 'completed',
      locations: [],
      output: undefined,
    };
    const notice = [text('Claude AI usage limit '), text('reached|1795622400')];
    const { events, ended } = turn(account(), [text('I begin.'), tool, ...notice]);
    assert.equal(ended.stopReason, 'usage_limit');
    assert.deepEqual(
      events.map((event) => event.type),
      ['usage-limit'],
    );
    const about = turn(account(), [text('It now says: '), ...notice]);
    assert.equal(about.ended.stopReason, 'end_turn');
    assert.deepEqual(about.events, []);
  });

  it('leaves other errors and cancelled turns as they are', () => {
    const error = 'Rate limit reached. Please try again in 1.2s.';
    const failed = turn(account(), [], { ...DONE, stopReason: 'error', error });
    assert.deepEqual([failed.ended.stopReason, failed.ended.error], ['error', error]);
    const cancelled = turn(account(), [text("You've hit your limit · resets 3pm")], {
      ...DONE,
      stopReason: 'cancelled',
    });
    assert.equal(cancelled.ended.stopReason, 'cancelled');
  });
});
