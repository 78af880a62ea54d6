import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as path from 'node:path';
import type { RunnerLaunch } from '../../src/agents/runnerLauncher';
import { isAlive } from '../../src/base/processTree';
import { MARKER_VARIABLE } from '../../src/domain/runnerProtocol';
import { assertContiguous, RUNNER_PROGRAM, RunnerStage } from '../support/runnerStage';

describe('the clients of a runner', () => {
  let stage: RunnerStage;

  afterEach(() => stage.dispose());

  it('may be killed: runner and agent live on, and another continues', async () => {
    stage = await RunnerStage.make('normal', { task: 'ask' });
    const launch: RunnerLaunch = {
      node: process.execPath,
      runnerProgram: RUNNER_PROGRAM,
      sessionFolder: stage.sessionFolder,
      launch: stage.launch,
    };
    const program = path.resolve('out/test/fixtures/runnerHost.js');
    const host = spawn(process.execPath, [program, JSON.stringify(launch)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, [MARKER_VARIABLE]: 'of another session', VSCODE_PID: '1' },
    });
    const [line] = (await once(host.stdout, 'data')) as [Buffer];
    stage.runnerPid = Number(line.toString());
    const first = await stage.follow();
    const { requestId } = await first.next('permission-requested');
    host.kill('SIGKILL');
    await once(host, 'exit');
    first.connection.close();
    assert.ok(isAlive(stage.runnerPid));

    const second = await stage.follow((first.events.at(-1)?.seq ?? 0) + 1);
    await second.connection.send({ id: 'a', command: 'answer', requestId, optionId: 'yes' });
    await second.turnEnd('task-1');
    assert.equal(second.textAfter(0), 'yes');
    assertContiguous([...first.events, ...second.events]);
    assert.deepEqual(await stage.recorded(), [...first.events, ...second.events]);
    assert.equal(await second.say('e1', `environment ${MARKER_VARIABLE}`), stage.marker);
    assert.equal(await second.say('e2', 'environment VSCODE_PID'), 'undefined');
    assert.equal(await second.say('e3', 'environment ELECTRON_RUN_AS_NODE'), 'undefined');
  });

  it('are let go when they do not prove themselves', async () => {
    stage = await RunnerStage.make();
    await stage.startRunner();
    for (const line of [
      'GET / HTTP/1.1',
      '{}',
      '{"id":"1","command":"cancel"}',
      'x'.repeat(20_000),
    ]) {
      const socket = net.connect(stage.launch.socket);
      socket.write(`${line}\n`);
      socket.resume();
      socket.on('error', () => undefined);
      await once(socket, 'close');
      assert.equal(socket.bytesRead, 0);
    }
  });

  it('are told about a command that the runner does not know', async () => {
    stage = await RunnerStage.make();
    await stage.startRunner();
    const connection = await stage.connect();
    const command = { id: 'x', command: 'dance' } as never;
    const reply = await connection.send(command);
    assert.ok(!reply.ok && reply.error.includes('does not know'));
  });

  it('do not cost memory when they are slow, and lose nothing', async function () {
    this.timeout(60_000);
    stage = await RunnerStage.make('normal', { task: 'flood 100000' });
    await stage.startRunner();
    const slow = net.connect(stage.launch.socket);
    slow.pause();
    slow.write(
      `${JSON.stringify({ hello: { token: stage.launch.controlToken, version: 1 } })}\n` +
        `${JSON.stringify({ id: 's', command: 'subscribe', fromSeq: 1 })}\n`,
    );
    const tap = await stage.follow();
    await tap.turnEnd('task-1');
    // In several files by now.
    const names = (await fs.readdir(stage.sessionFolder)).filter((name) =>
      name.includes('.ndjson'),
    );
    assert.ok(names.length > 5, names.join(', '));
    const stats = await Promise.all(
      names.map((name) => fs.stat(path.join(stage.sessionFolder, name))),
    );
    assert.ok(stats.reduce((total, { size }) => total + size, 0) > 95_000_000);
    if (process.platform === 'linux') {
      const status = await fs.readFile(`/proc/${stage.runnerPid}/status`, 'utf8');
      const peakMb = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
      assert.ok(peakMb < 200, `${peakMb} MB at most`);
    }
    const text = await readUntil(slow, '"turn-ended"');
    slow.destroy();
    assert.equal(text.split('\n{"event"').length - 1, tap.events.length);
  });

  it('find the log continued by a runner that comes after one that was killed', async () => {
    stage = await RunnerStage.make();
    const tap = await stage.start();
    await tap.turnEnd('task-1');
    process.kill(stage.runnerPid, 'SIGKILL');
    await tap.closed();
    await stage.whenGone();
    await fs.appendFile(stage.eventsFile, '{"seq":7,"at":1,"type":"te');
    const second = await stage.start();
    assertContiguous(second.events.slice(0, 6));
    const conversation = await second.next('conversation', (event) => event.seq > 6);
    assert.equal(await second.say('next', 'echo on'), 'on');
    assertContiguous(second.events);
    // The task was given by the first runner and is not given again.
    const turns = second.events.filter((event) => event.type === 'turn-started');
    assert.deepEqual(
      turns.map((turn) => turn.commandId),
      ['task-1', 'next'],
    );
    assert.ok(conversation.seq > 6);
    assert.ok((await second.connection.send({ id: 'task-1', command: 'prompt', text: 'x' })).ok);
  });
});

/** Reads a socket until its text holds `word`. */
async function readUntil(socket: net.Socket, word: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (chunk.includes(word)) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
