import assert from 'node:assert/strict';
import { Transcript } from '../../src/domain/transcript';
import { makeEvents } from '../support/sessions';

describe('Transcript', () => {
  const events = makeEvents([
    { type: 'agent-started', pid: 8, program: 'agent' },
    { type: 'turn-started', commandId: 't', prompt: 'one\ntwo' },
    { type: 'thought', text: 'hm' },
    { type: 'thought', text: 'm' },
    { type: 'text', text: 'Hello ' },
    { type: 'text', text: 'there' },
    {
      type: 'tool-call',
      toolCallId: 'x',
      title: 'run ls',
      kind: 'execute',
      status: 'in_progress',
      locations: [],
      output: undefined,
    },
    { type: 'tool-update', toolCallId: 'x', status: 'completed', output: 'a\nb\n' },
    { type: 'stderr', text: 'careful' },
    { type: 'turn-ended', commandId: 't', stopReason: 'end_turn', error: undefined, tokens: 1 },
    { type: 'exit', reason: 'failed', code: 3, signal: undefined, detail: 'exit code 3' },
  ]);
  const expected = `-- agent started (pid 8)

> one
> two

(thinks) hmm
Hello there
* run ls (in progress)
    a
    b
* run ls (completed)
! careful
-- turn ended
-- failed: exit code 3
`;

  it('keeps pieces of a message together and begins everything else on a line of its own', () => {
    assert.equal(new Transcript().append(events), expected);
  });

  it('prints what a tool puts out once, though each update repeats it', () => {
    const call = { type: 'tool-call', toolCallId: 'x', kind: 'execute', locations: [] } as const;
    const update = { type: 'tool-update', toolCallId: 'x' } as const;
    const text = new Transcript().append(
      makeEvents([
        { ...call, title: 'count', status: 'in_progress', output: undefined },
        { ...update, output: '1\n' },
        { ...update, output: '1\n2\nthr' },
        { ...update, output: '1\n2\nthree\n' },
        { ...update, status: 'completed', output: '1\n2\nthree\nend' },
      ]),
    );
    const lines = ['* count (in progress)', '    1', '    2', '    three', '    end'];
    assert.equal(text, [...lines, '* count (completed)', ''].join('\n'));
  });

  it('gives the same text however the events are batched', () => {
    const transcript = new Transcript();
    assert.equal(events.map((event) => transcript.append([event])).join(''), expected);
  });
});
