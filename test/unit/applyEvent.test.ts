import assert from 'node:assert/strict';
import { applyEvent } from '../../src/domain/applyEvent';
import type { ConversationTotals } from '../../src/domain/events';
import type { Session } from '../../src/domain/session';
import { makeEvents, makeRequest, makeSession } from '../support/sessions';

type Bodies = Parameters<typeof makeEvents>[0];

function after(bodies: Bodies, session: Session = makeSession()): Session {
  return makeEvents(bodies, session.appliedSeq + 1).reduce(applyEvent, session);
}

const START: Bodies = [
  { type: 'runner-started', pid: 7, version: 1 },
  { type: 'agent-started', pid: 8, program: 'agent' },
  { type: 'conversation', conversationId: 'c1', isContinued: false, canContinue: true },
];
const TURN: Bodies = [
  { type: 'turn-started', commandId: 't1', prompt: 'go' },
  { type: 'text', text: 'hello' },
];
const TURN_END: Bodies = [
  { type: 'turn-ended', commandId: 't1', stopReason: 'end_turn', error: undefined, tokens: 40 },
];

describe('applyEvent', () => {
  it('is pending until a turn starts, running during it and idle after it', () => {
    const started = after(START);
    assert.equal(started.state, 'pending');
    assert.equal(started.pid, 8);
    assert.equal(started.conversationId, 'c1');
    const running = after(TURN, started);
    assert.equal(running.state, 'running');
    const idle = after(TURN_END, running);
    assert.equal(idle.state, 'idle');
    assert.equal(idle.metrics.tokensUsed, 40);
    assert.equal(idle.metrics.durationSecs, 2);
  });

  it('adds up what turns cost, as far as that is known, over all conversations', () => {
    const turn = (costUsd?: number, totals?: ConversationTotals): Bodies => [
      ...TURN,
      {
        type: 'turn-ended',
        commandId: 't1',
        stopReason: 'end_turn',
        error: undefined,
        tokens: 10,
        costUsd,
        totals,
      },
    ];
    const first = after([...START, ...turn()]);
    assert.equal(first.metrics.costUsd, undefined);
    const totals = { tokens: undefined, costUsd: 0.5 };
    const second = after([{ type: 'cost', totalUsd: 7 }, ...turn(0.5, totals)], first);
    assert.equal(second.metrics.costUsd, 0.5);
    assert.deepEqual(second.totals, totals);
    const conversation = { type: 'conversation', canContinue: true } as const;
    const resumed = after([{ ...conversation, conversationId: 'c1', isContinued: true }], second);
    assert.deepEqual(resumed.totals, totals);
    const other = after([{ ...conversation, conversationId: 'c2', isContinued: false }], second);
    assert.equal(other.totals, undefined);
    assert.equal(after(turn(0.25), other).metrics.costUsd, 0.75);
    assert.equal(after(turn(), other).metrics.costUsd, 0.5);
  });

  it('has no process between turns whose agent starts one for each', () => {
    const ended = { type: 'agent-ended', code: 0, signal: undefined } as const;
    const idle = after([...START, ...TURN, { ...ended, pid: 8 }, ...TURN_END]);
    assert.deepEqual([idle.state, idle.pid, idle.presence], ['idle', undefined, 'alive']);
    assert.equal(after([...START, { ...ended, pid: 9 }]).pid, 8);
  });

  it('counts every event once, however often it comes', () => {
    const events = makeEvents([
      ...START,
      ...TURN,
      {
        type: 'tool-call',
        toolCallId: 'x',
        title: 'write',
        kind: 'edit',
        status: 'pending',
        locations: [],
        output: undefined,
      },
      ...TURN_END,
    ]);
    const once = events.reduce(applyEvent, makeSession());
    const twice = events.reduce(applyEvent, once);
    assert.equal(twice, once);
    assert.equal(once.metrics.toolCalls, 1);
    assert.equal(once.appliedSeq, events.length);
  });

  it('changes updatedAt with the state and not with output', () => {
    const running = after([...START, ...TURN.slice(0, 1)]);
    assert.equal(after(TURN.slice(1), running).updatedAt, running.updatedAt);
    assert.notEqual(after(TURN_END, running).updatedAt, running.updatedAt);
  });

  it('remembers when the agent did something last', () => {
    const running = after([...START, ...TURN]);
    assert.equal(running.lastEventAt, 5_000);
    assert.equal(running.updatedAt, 4_000);
    assert.equal(applyEvent(running, { type: 'text', text: 'old', seq: 1, at: 9_000 }), running);
  });

  it('keeps open questions until they are settled', () => {
    const asking = after([
      ...START,
      ...TURN,
      { type: 'permission-requested', ...makeRequest('r1', 'a'), toolCallId: 'x' },
      { type: 'permission-requested', ...makeRequest('r2', 'b'), toolCallId: 'y' },
    ]);
    assert.deepEqual(
      asking.requests.map((request) => request.title),
      ['a', 'b'],
    );
    const answered = after(
      [{ type: 'permission-answered', requestId: 'r1', optionId: 'yes' }],
      asking,
    );
    assert.deepEqual(
      answered.requests.map((request) => request.title),
      ['b'],
    );
    assert.deepEqual(after(TURN_END, answered).requests, []);
  });

  it('keeps the reason of a turn that failed until the next turn starts', () => {
    const failed = after([
      ...START,
      ...TURN,
      {
        type: 'turn-ended',
        commandId: 't1',
        stopReason: 'error',
        error: 'no model',
        tokens: undefined,
      },
    ]);
    assert.equal(failed.state, 'idle');
    assert.equal(failed.reason, 'no model');
    assert.equal(after(TURN, failed).reason, undefined);
  });

  const ends = [
    { reason: 'completed', state: 'completed' },
    { reason: 'stopped', state: 'stopped' },
    { reason: 'failed', state: 'failed' },
    { reason: 'start-failed', state: 'failed' },
  ] as const;
  for (const { reason, state } of ends) {
    it(`is ${state} without a process after the exit ${reason}`, () => {
      const from =
        reason === 'start-failed' ? after(START) : after([...START, ...TURN, ...TURN_END]);
      const ended = after(
        [{ type: 'exit', reason, code: 0, signal: undefined, detail: 'why' }],
        from,
      );
      assert.equal(ended.state, state);
      assert.equal(ended.pid, undefined);
      assert.equal(ended.presence, 'gone');
      assert.equal(ended.reason, 'why');
    });
  }

  it('leaves a stopped session stopped whatever comes late', () => {
    const stopped = makeSession({ state: 'stopped' });
    assert.equal(after([...TURN, ...TURN_END], stopped).state, 'stopped');
    const exit = { type: 'exit', code: 1, signal: undefined, detail: 'crashed' } as const;
    const ended = after(
      [{ ...exit, reason: 'failed' }],
      makeSession({ state: 'stopped', reason: 'by hand', pid: 8, presence: 'alive' }),
    );
    assert.equal(ended.state, 'stopped');
    assert.equal(ended.reason, 'by hand');
    assert.equal(ended.pid, undefined);
    assert.equal(ended.presence, 'gone');
  });

  it('keeps why a session was failed when the turn that it cut short ends', () => {
    const failed = makeSession({ state: 'failed', reason: 'Timed out.' });
    const cut = after(
      [
        {
          type: 'turn-ended',
          commandId: 't1',
          stopReason: 'cancelled',
          error: undefined,
          tokens: undefined,
        },
        { type: 'exit', reason: 'stopped', code: 0, signal: undefined, detail: 'by request' },
      ],
      failed,
    );
    assert.deepEqual([cut.state, cut.reason], ['failed', 'Timed out.']);
  });
});
