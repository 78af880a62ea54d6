import assert from 'node:assert/strict';
import { deferred } from '../../src/base/async';
import type { SessionEvent } from '../../src/domain/events';
import { OutputText } from '../../src/editor/outputText';
import { makeEvents } from '../support/sessions';

const EVENTS = makeEvents(
  ['one', 'two', 'three', 'four', 'five'].map((word) => ({ type: 'text', text: `${word}\n` })),
);

describe('OutputText', () => {
  it('shows the past before what came while it was read, and what is in both once', async () => {
    let shown = '';
    const output = new OutputText((text) => (shown += text));
    const gate = deferred<undefined>();
    async function* past(): AsyncGenerator<SessionEvent> {
      yield* EVENTS.slice(0, 2);
      await gate.promise;
      yield* EVENTS.slice(2, 3);
    }
    const filled = output.fill(past());
    output.add(EVENTS.slice(1, 4));
    assert.equal(shown, '');
    gate.resolve(undefined);
    await filled;
    assert.equal(shown, 'one\ntwo\nthree\nfour\n');
    output.add(EVENTS);
    assert.equal(shown, 'one\ntwo\nthree\nfour\nfive\n');
  });

  it('shows what can be read of a damaged past, and goes on', async () => {
    let shown = '';
    const output = new OutputText((text) => (shown += text));
    async function* past(): AsyncGenerator<SessionEvent> {
      yield* EVENTS.slice(0, 1);
      throw new SyntaxError('damaged');
    }
    await assert.rejects(output.fill(past()), /damaged/);
    output.add(EVENTS.slice(3));
    assert.equal(shown, 'one\nfour\nfive\n');
  });
});
