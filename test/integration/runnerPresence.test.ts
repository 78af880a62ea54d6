import assert from 'node:assert/strict';
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { Runners } from '../../src/agents/runners';
import { socketAddress } from '../../src/base/sockets';
import { EVENTS_FILE, LAUNCH_FILE, MARKER_VARIABLE } from '../../src/domain/runnerProtocol';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

/** A platform on which a missing marker proves nothing; processes are looked up in this one's way. */
const BLIND = process.platform === 'linux' ? 'darwin' : process.platform;

describe('a runner whose socket is silent, where no marker can be seen', () => {
  let folder: string;
  let child: ChildProcess;

  beforeEach(async () => {
    folder = await makeTempFolder();
  });
  afterEach(async () => {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (!hasEnded && child.kill('SIGKILL')) await once(child, 'exit');
    await removeTempFolder(folder);
  });

  const sessionFolder = (id: string): string => path.join(folder, 'sessions', id);

  const start = async (options: SpawnOptions, ...args: readonly string[]): Promise<void> => {
    child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', ...args], options);
    await once(child, 'spawn');
  };

  /** Leaves what a runner of that process would leave behind when its socket has gone. */
  const record = async (id: string, runnerPid?: number): Promise<void> => {
    await fs.mkdir(sessionFolder(id), { recursive: true });
    const socket = socketAddress(folder, 'gone');
    const launch = { marker: 'none', socket, controlToken: 'none', runnerPid };
    await fs.writeFile(path.join(sessionFolder(id), LAUNCH_FILE), JSON.stringify(launch));
    const event = { seq: 1, at: Date.now(), type: 'runner-started', pid: child.pid, version: 1 };
    await fs.writeFile(path.join(sessionFolder(id), EVENTS_FILE), `${JSON.stringify(event)}\n`);
  };

  const presence = async (id: string, platform: NodeJS.Platform = BLIND): Promise<string> => {
    const runners = new Runners({
      sessionsFolder: path.join(folder, 'sessions'),
      socketFolder: folder,
      node: process.execPath,
      runnerProgram: 'none',
      times: () => ({ graceMs: 0, startTimeoutMs: 0, idleLimitMs: 0, longestTurnMs: 0 }),
      platform,
    });
    return (await runners.find(id)).presence;
  };

  it('may be alive while its process works for the folder of the session', async () => {
    await start({}, sessionFolder('cafe0001'));
    await record('cafe0001');
    assert.equal(await presence('cafe0001'), 'unknown');
  });

  it('is known by its launch file when the event that told of it is no longer kept', async () => {
    await start({}, sessionFolder('cafe0001'));
    await record('cafe0001', child.pid);
    await fs.rm(path.join(sessionFolder('cafe0001'), EVENTS_FILE));
    assert.equal(await presence('cafe0001'), 'unknown');
  });

  it('is gone when its number belongs to another program, or another session', async () => {
    await start({}, sessionFolder('cafe0001'), 'more');
    await record('cafe0001');
    assert.equal(await presence('cafe0001'), 'gone');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await start({}, sessionFolder('cafe0002'));
    await record('cafe0001');
    assert.equal(await presence('cafe0001'), 'gone');
  });

  it('is gone when there is no such process', async () => {
    await start({}, sessionFolder('cafe0001'));
    await record('cafe0001');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(await presence('cafe0001'), 'gone');
  });

  if (process.platform === 'linux') {
    it('may be alive on Linux before it has told of itself', async () => {
      const marked = { ...process.env, [MARKER_VARIABLE]: 'none' };
      await start({ env: marked }, sessionFolder('cafe0001'));
      await record('cafe0001');
      await fs.rm(path.join(sessionFolder('cafe0001'), EVENTS_FILE));
      assert.equal(await presence('cafe0001', 'linux'), 'unknown');
    });

    it('is gone on Linux when only its agent carries the marker', async () => {
      const marked = { ...process.env, [MARKER_VARIABLE]: 'none' };
      await start({ env: marked }, 'agent');
      await record('cafe0001');
      assert.equal(await presence('cafe0001', 'linux'), 'gone');
    });

    it('must carry the marker on Linux, whatever its command line says', async () => {
      await start({}, sessionFolder('cafe0001'));
      await record('cafe0001');
      assert.equal(await presence('cafe0001', 'linux'), 'gone');
    });
  }
});
