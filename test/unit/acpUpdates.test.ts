import assert from 'node:assert/strict';
import * as path from 'node:path';
import { readOptions } from '../../src/agents/acp/permissions';
import { readTurnResult } from '../../src/agents/acp/turnResult';
import { UpdateTranslator } from '../../src/agents/acp/updates';

const CWD = path.resolve('/project');

describe('UpdateTranslator', () => {
  const translate = (...updates: Record<string, unknown>[]) => {
    const translator = new UpdateTranslator(CWD);
    return updates.flatMap((update) => translator.translate(update));
  };
  const chunk = (text: unknown, sessionUpdate = 'agent_message_chunk') => ({
    sessionUpdate,
    content: { type: 'text', text },
  });

  it('passes on what the agent says and thinks', () => {
    assert.deepEqual(translate(chunk('Hello'), chunk('hm', 'agent_thought_chunk')), [
      { type: 'text', text: 'Hello' },
      { type: 'thought', text: 'hm' },
    ]);
  });

  it('cuts a long text in pieces, but no character', () => {
    const text = 'x'.repeat(64 * 1024 - 1) + '😀'.repeat(40_000);
    const events = translate(chunk(text));
    assert.ok(events.length > 1);
    const pieces = events.map((event) => (event.type === 'text' ? event.text : ''));
    assert.equal(pieces.join(''), text);
    for (const piece of pieces) assert.equal(Buffer.from(piece).toString(), piece);
  });

  it('reports a tool call once, then only what changes', () => {
    const call = { sessionUpdate: 'tool_call', toolCallId: 't', title: 'Read a.txt', kind: 'read' };
    const news = { sessionUpdate: 'tool_call_update', toolCallId: 't' };
    const content = [{ type: 'content', content: { type: 'text', text: 'done' } }];
    assert.deepEqual(
      translate(
        { ...call, locations: [{ path: 'src/a.txt' }, { path: path.join(CWD, 'b.txt') }] },
        { ...news, title: 'Read a.txt', status: 'in_progress' },
        { ...news, status: 'in_progress' },
        { ...news, status: 'completed', content },
      ),
      [
        {
          type: 'tool-call',
          toolCallId: 't',
          title: 'Read a.txt',
          kind: 'read',
          status: 'pending',
          locations: [path.join(CWD, 'src/a.txt'), path.join(CWD, 'b.txt')],
          output: undefined,
        },
        { type: 'tool-update', toolCallId: 't', status: 'in_progress' },
        { type: 'tool-update', toolCallId: 't', status: 'completed', output: 'done' },
      ],
    );
  });

  it('makes a record of an update for a tool call that was never reported', () => {
    const [event] = translate({
      sessionUpdate: 'tool_call_update',
      toolCallId: 't',
      status: 'exploded',
      content: [{ type: 'diff', path: 'c.txt', oldText: '', newText: 'x' }],
    });
    assert.ok(event?.type === 'tool-call');
    assert.equal(event.title, 'Tool call');
    assert.equal(event.status, 'pending');
    assert.deepEqual(event.locations, [path.join(CWD, 'c.txt')]);
  });

  it('keeps as much of an output as a person would read', () => {
    const [event] = translate({
      sessionUpdate: 'tool_call',
      toolCallId: 't',
      rawOutput: { output: 'z'.repeat(5_000) },
    });
    assert.ok(event?.type === 'tool-call' && event.output);
    assert.ok(event.output.startsWith('z'.repeat(4_000)));
    assert.ok(event.output.endsWith('(1000 more characters)'));
  });

  it('forgets the state of old tool calls, but not that they were reported', () => {
    const translator = new UpdateTranslator(CWD);
    const update = (id: number, status: string) =>
      translator.translate({ sessionUpdate: 'tool_call_update', toolCallId: `t${id}`, status });
    for (let id = 0; id < 1_500; id++) assert.equal(update(id, 'pending')[0]?.type, 'tool-call');
    assert.deepEqual(update(0, 'completed'), [
      { type: 'tool-update', toolCallId: 't0', status: 'completed' },
    ]);
    assert.deepEqual(update(1_499, 'pending'), []);
  });

  it('reads plan, mode and cost', () => {
    const cost = { amount: 0.25, currency: 'USD' };
    assert.deepEqual(
      translate(
        { sessionUpdate: 'plan', entries: [{ content: 'Think', status: 'completed' }, {}, 3] },
        { sessionUpdate: 'current_mode_update', currentModeId: 'auto' },
        { sessionUpdate: 'usage_update', used: 1, size: 2, cost },
        { sessionUpdate: 'usage_update', cost: { amount: 1, currency: 'EUR' } },
        { sessionUpdate: 'usage_update', used: 1, size: 2 },
      ),
      [
        {
          type: 'plan',
          entries: [
            { content: 'Think', status: 'completed' },
            { content: '', status: 'pending' },
          ],
        },
        { type: 'mode', modeId: 'auto' },
        { type: 'cost', totalUsd: 0.25 },
      ],
    );
  });

  it('drops what it does not understand', () => {
    assert.deepEqual(
      translate(
        {},
        { sessionUpdate: 'future_update' },
        { sessionUpdate: 'tool_call' },
        chunk(undefined),
        { sessionUpdate: 'agent_message_chunk', content: { type: 'image', data: '' } },
      ),
      [],
    );
  });
});

describe('readTurnResult', () => {
  const cases = [
    ['the draft usage', { usage: { totalTokens: 7, inputTokens: 5 } }, 7],
    ['a usage without total', { usage: { inputTokens: 5, outputTokens: 1 } }, 6],
    [
      'gemini’s quota',
      { _meta: { quota: { token_count: { input_tokens: 3, output_tokens: 1 } } } },
      4,
    ],
    ['nothing', {}, undefined],
    ['nonsense', { usage: { totalTokens: 'many' } }, undefined],
  ] as const;
  for (const [what, response, tokens] of cases) {
    it(`counts tokens by ${what}`, () => {
      const result = readTurnResult({ stopReason: 'end_turn', ...response });
      assert.deepEqual(result, { stopReason: 'end_turn', error: undefined, tokens });
    });
  }

  it('takes an unknown stop reason for an error', () => {
    assert.equal(readTurnResult({ stopReason: 'error' }).stopReason, 'error');
    assert.match(readTurnResult({ stopReason: 'tired' }).error ?? '', /tired/);
    assert.equal(readTurnResult(undefined).stopReason, 'error');
  });
});

describe('readOptions', () => {
  it('leaves out options of which nobody knows what they do', () => {
    assert.deepEqual(
      readOptions({
        options: [
          { optionId: 'a', name: 'Allow', kind: 'allow_once' },
          { optionId: 'b', name: 'Maybe', kind: 'allow_for_a_while' },
          { name: 'No id', kind: 'reject_once' },
          { optionId: 'c', kind: 'reject_once' },
        ],
      }),
      [
        { optionId: 'a', name: 'Allow', kind: 'allow_once' },
        { optionId: 'c', name: 'c', kind: 'reject_once' },
      ],
    );
    assert.deepEqual(readOptions({}), []);
  });
});
