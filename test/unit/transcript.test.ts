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
* run ls (completed)
    a
    b
! careful
-- turn ended
-- failed: exit code 3
`;

  it('keeps pieces of a message together and begins everything else on a line of its own', () => {
    assert.equal(new Transcript().append(events), expected);
  });

  it('gives the same text however the events are batched', () => {
    const transcript = new Transcript();
    assert.equal(events.map((event) => transcript.append([event])).join(''), expected);
  });
});
