import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { messageStream } from '../../src/agents/acp/messageStream';
import { deferred } from '../../src/base/async';

describe('messageStream', () => {
  const make = (whenReady = (): Promise<void> => Promise.resolve()) => {
    const [toAgent, fromAgent] = [new PassThrough(), new PassThrough()];
    const updates: unknown[] = [];
    const noise: string[] = [];
    const stream = messageStream(toAgent, fromAgent, {
      onUpdate: (params) => updates.push(params),
      onNoise: (line) => noise.push(line),
      whenReady,
    });
    return { toAgent, fromAgent, updates, noise, stream };
  };

  it('sorts messages, updates and noise, however the bytes arrive', async () => {
    const { fromAgent, updates, noise, stream } = make();
    const bytes = Buffer.from(
      'Grüße\n{"jsonrpc":"2.0","method":"session/update","params":{"n":1}}\r\n' +
        '{"jsonrpc":"2.0","id":1,"result":{}}\n[{"jsonrpc":"2.0"}]\n\n{"a":1}\nno line end',
    );
    for (const byte of bytes) fromAgent.write(Buffer.from([byte]));
    fromAgent.end();
    const messages: unknown[] = [];
    for await (const message of stream.readable) messages.push(message);
    assert.deepEqual(messages, [{ jsonrpc: '2.0', id: 1, result: {} }]);
    assert.deepEqual(updates, [{ n: 1 }]);
    assert.deepEqual(noise, ['Grüße', '[{"jsonrpc":"2.0"}]', '{"a":1}', 'no line end']);
  });

  it('reads no further while its listener cannot take more', async () => {
    const gate = deferred<undefined>();
    const { fromAgent, noise } = make(() => gate.promise.then(() => undefined));
    fromAgent.write('one\n');
    await once(fromAgent, 'data');
    fromAgent.write('two\n');
    await new Promise(setImmediate);
    assert.deepEqual(noise, ['one']);
    gate.resolve(undefined);
    fromAgent.end();
    await once(fromAgent, 'close');
    assert.deepEqual(noise, ['one', 'two']);
  });

  it('ends when the agent’s output breaks off', async () => {
    const { fromAgent, stream } = make();
    fromAgent.write('{"jsonrpc":"2.0","id":1,"result":{}}\n');
    await new Promise(setImmediate);
    fromAgent.destroy(new Error('EIO'));
    const messages: unknown[] = [];
    for await (const message of stream.readable) messages.push(message);
    assert.equal(messages.length, 1);
  });

  it('writes one line a message', async () => {
    const { toAgent, stream } = make();
    const writer = stream.writable.getWriter();
    await writer.write({ jsonrpc: '2.0', method: 'x', params: { text: 'a\nb' } });
    assert.equal(
      String(toAgent.read()),
      '{"jsonrpc":"2.0","method":"x","params":{"text":"a\\nb"}}\n',
    );
  });
});
