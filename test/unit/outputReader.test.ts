import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { readOutput } from '../../src/agents/cli/outputReader';
import { deferred, delay } from '../../src/base/async';
import type { AgentExit } from '../../src/agents/agentConnection';

const DONE: AgentExit = { code: 0, signal: undefined };

describe('readOutput', () => {
  it('reads nothing while no more can be taken', async () => {
    const stdout = new PassThrough();
    const exited = deferred<AgentExit>();
    let isReady = true;
    const taken: string[] = [];
    const reading = readOutput(
      { stdout, exited: exited.promise },
      {
        take: (chunk) => {
          assert.ok(isReady);
          isReady = false;
          taken.push(chunk.toString());
          if (taken.length < 5) stdout.write(String(taken.length));
          else stdout.end();
        },
        whenReady: async () => {
          await new Promise(setImmediate);
          isReady = true;
        },
      },
      1_000,
    );
    stdout.write('0');
    await reading;
    assert.deepEqual(taken, ['0', '1', '2', '3', '4']);
  });

  it('takes everything that was written before the end, however slowly it is taken', async () => {
    const stdout = new PassThrough();
    let length = 0;
    for (let count = 0; count < 8; count++) stdout.write('x'.repeat(1_000));
    const silenceMs = 20;
    // Somebody else holds the pipe open: there is no end of it.
    await readOutput(
      { stdout, exited: Promise.resolve(DONE) },
      {
        take: (chunk) => {
          length += chunk.length;
        },
        whenReady: () => delay(2 * silenceMs),
      },
      silenceMs,
    );
    assert.equal(length, 8_000);
    assert.ok(stdout.destroyed);
  });

  it('ends with a pipe that breaks off', async () => {
    const stdout = new PassThrough();
    const taken: string[] = [];
    const reading = readOutput(
      { stdout, exited: new Promise(() => undefined) },
      {
        take: (chunk) => {
          taken.push(chunk.toString());
          stdout.destroy(new Error('EIO'));
        },
        whenReady: () => Promise.resolve(),
      },
      1_000,
    );
    stdout.write('a');
    await reading;
    assert.deepEqual(taken, ['a']);
  });
});
