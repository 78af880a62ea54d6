import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { RunnerLaunchError } from '../../src/agents/runnerLauncher';
import { LAUNCH_FILE, type LaunchData } from '../../src/domain/runnerProtocol';
import { assertContiguous, RunnerStage, type EventTap } from '../support/runnerStage';

describe('a runner whose agent', () => {
  let stage: RunnerStage;

  afterEach(() => stage.dispose());

  /** Starts it and waits for the end. */
  const end = async (behaviour: string, changes: Partial<LaunchData> = {}): Promise<EventTap> => {
    stage = await RunnerStage.make(behaviour, { graceMs: 300, ...changes });
    const tap = await stage.start();
    await tap.next('exit');
    assertContiguous(tap.events);
    assert.deepEqual(await stage.livingAgents(), []);
    await tap.closed();
    await stage.whenGone();
    return tap;
  };

  const cannotStart = async (tap: EventTap, ...words: string[]): Promise<void> => {
    const { reason, detail } = await tap.next('exit');
    assert.equal(reason, 'start-failed');
    for (const word of words) assert.ok(detail?.includes(word), `${word} in: ${String(detail)}`);
  };

  it('is not installed names the program', async () => {
    await cannotStart(await end('', { command: 'no-such-agent' }), '"no-such-agent"', 'Install');
  });

  if (process.platform !== 'win32') {
    it('may not be run says so', async () => {
      await cannotStart(await end('', { command: '/dev/null' }), '"/dev/null"', 'executable');
    });
  }

  it('has no folder to work in names the folder', async () => {
    await cannotStart(await end('', { cwd: path.resolve('/no/such/folder') }), 'folder');
  });

  it('ends before it is ready reports its exit code and last words', async () => {
    const tap = await end('exits-early');
    await cannotStart(tap, process.execPath, 'exit code 3', 'no model configured');
    assert.ok(!(await tap.next('exit')).detail?.includes('\u001b'));
    assert.equal((await tap.next('exit')).code, 3);
  });

  it('does not get ready in time is ended', async () => {
    await cannotStart(await end('silent', { startTimeoutMs: 300 }), 'not ready within 300 ms');
  });

  it('refuses to open a conversation passes on why', async () => {
    await cannotStart(
      await end('signed-out'),
      process.execPath,
      'Authentication required',
      'sign-in',
    );
  });

  it('speaks another version of the protocol says so', async () => {
    await cannotStart(await end('other-version'), 'version 7');
  });

  it('dies in a turn fails with its last words, the turn ended first', async () => {
    const tap = await end('normal', { task: 'die 5' });
    const turn = await tap.turnEnd('task-1');
    assert.equal(turn.stopReason, 'error');
    assert.equal(turn.error, 'The agent ended before its turn was over.');
    const exit = await tap.next('exit');
    assert.equal(exit.reason, 'failed');
    assert.ok(exit.detail?.includes('exit code 5') && exit.detail.includes('out of memory'));
    assert.equal(tap.textAfter(0), 'last words');
  });

  it('ends by itself with exit code 0 completes', async () => {
    const tap = await end('normal', { task: 'quit' });
    assert.equal((await tap.turnEnd('task-1')).stopReason, 'end_turn');
    assert.equal((await tap.next('exit')).reason, 'completed');
  });

  it('closes its output but lives on is ended', async () => {
    const tap = await end('normal', { task: 'close-output' });
    const exit = await tap.next('exit');
    assert.equal(exit.reason, 'failed');
    assert.ok(exit.detail?.includes('closed its output'));
  });

  it('answers a prompt with an error, or an odd reason, only ends the turn', async () => {
    stage = await RunnerStage.make('normal', { task: 'fail' });
    const tap = await stage.start();
    const failed = await tap.turnEnd('task-1');
    assert.equal(failed.stopReason, 'error');
    assert.ok(failed.error?.includes('model overloaded'));
    await tap.say('second', 'odd-reason');
    const odd = await tap.turnEnd('second');
    assert.equal(odd.stopReason, 'error');
    assert.ok(odd.error?.includes('bored'));
    assert.equal(await tap.say('third', 'echo fine'), 'fine');
  });
});

describe('launching a runner', () => {
  let stage: RunnerStage;

  afterEach(() => stage.dispose());

  it('fails with its last words when the runner ends at once', async () => {
    stage = await RunnerStage.make('normal', {
      version: 99,
      task: 'secret',
      env: { KEY: 'secret' },
    });
    await assert.rejects(
      stage.startRunner(),
      (error) => error instanceof RunnerLaunchError && error.message.includes('version 99'),
    );
    const launchFile = path.join(stage.sessionFolder, LAUNCH_FILE);
    assert.ok(!(await fs.readFile(launchFile, 'utf8')).includes('secret'));
  });

  it('fails when the socket cannot be opened, and records it', async () => {
    stage = await RunnerStage.make();
    await stage.start();
    const { socket } = stage.launch;
    const second = await RunnerStage.make('normal', { socket });
    try {
      await assert.rejects(second.startRunner(), /Another program listens/);
      const [event] = await second.recorded();
      assert.ok(event?.type === 'exit' && event.reason === 'start-failed');
    } finally {
      await second.dispose();
    }
  });

  it('fails when the program that runs it is not there', async () => {
    stage = await RunnerStage.make();
    await assert.rejects(stage.startRunner('/no/such/node'), /ENOENT/);
  });

  if (process.platform !== 'win32') {
    it('ends agent and runner when events can no longer be written', async () => {
      stage = await RunnerStage.make('normal', { task: 'flood 4000', graceMs: 300 });
      // Files may grow to 512 kB; without the trap the signal, not the failed write, would end it.
      const node = path.join(stage.folder, 'limited-node');
      await fs.writeFile(
        node,
        `#!/bin/sh\ntrap '' XFSZ\nulimit -f 1024\nexec "${process.execPath}" "$@"\n`,
        { mode: 0o700 },
      );
      await stage.startRunner(node);
      const tap = await stage.follow();
      await tap.closed();
      await stage.whenGone();
      const events = await stage.recorded();
      assertContiguous(events);
      assert.ok(events.length > 100);
      assert.deepEqual(tap.events, events);
    });
  }
});
