import assert from 'node:assert/strict';
import { parseRunnerMessage } from '../../src/agents/runnerMessages';

describe('parseRunnerMessage', () => {
  const messages = [
    { welcome: { sessionId: 'cafe0001', version: 1, seq: 0 } },
    { reply: 'a', ok: true },
    { reply: 'a', ok: false, error: 'busy' },
    { event: { seq: 1, at: 5, type: 'text', text: 'hello' } },
  ] as const;
  for (const message of messages) {
    it(`reads ${JSON.stringify(message)}`, () => {
      assert.deepEqual(parseRunnerMessage(JSON.stringify(message)), message);
    });
  }

  it('completes an event of an older release', () => {
    const event = { seq: 3, at: 5, type: 'conversation', conversationId: 'c' };
    assert.deepEqual(parseRunnerMessage(JSON.stringify({ event })), {
      event: { ...event, isContinued: false, canContinue: false },
    });
  });

  const others = [
    '',
    'HTTP/1.1 400 Bad Request',
    'null',
    '[]',
    '7',
    '{}',
    '{"welcome":true}',
    '{"welcome":{"sessionId":"cafe0001"}}',
    '{"welcome":{"sessionId":"cafe0001","version":99,"seq":0}}',
    '{"welcome":{"sessionId":"cafe0001","version":1,"seq":-1}}',
    '{"reply":"a"}',
    '{"reply":5,"ok":true}',
    '{"reply":"a","ok":false}',
    '{"event":null}',
    '{"event":{}}',
    '{"event":{"seq":0,"at":1,"type":"text"}}',
    '{"event":{"seq":1.5,"at":1,"type":"text"}}',
    '{"event":{"seq":1,"type":"text"}}',
    '{"event":{"seq":1,"at":1}}',
  ];
  for (const line of others) {
    it(`makes nothing of ${JSON.stringify(line)}`, () => {
      assert.equal(parseRunnerMessage(line), undefined);
    });
  }
});
