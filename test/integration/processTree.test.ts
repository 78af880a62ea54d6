import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { identify, listProcesses } from '../../src/base/processes/list';
import { findMarked, isAlive, MarkedProcesses, signal } from '../../src/base/processTree';
import { MARKER_VARIABLE } from '../../src/domain/runnerProtocol';

const SLEEPER = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(process.pid)`;

/** Starts a sleeper in a session and with an environment of its own, and passes on its pid. */
const PARENT = `
  const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(SLEEPER)}], {
    detached: true, env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.pipe(process.stdout);
  setInterval(() => {}, 1000);`;

describe('MarkedProcesses', () => {
  const marker = randomUUID();
  let parent: ChildProcess;
  let childPid: number;

  beforeEach(async () => {
    parent = spawn(process.execPath, ['-e', PARENT], {
      env: { ...process.env, [MARKER_VARIABLE]: marker },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.ok(parent.stdout);
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    childPid = Number(line.toString());
  });
  afterEach(() => {
    for (const pid of [parent.pid ?? 0, childPid]) if (isAlive(pid)) signal(pid, 'SIGKILL');
  });

  /** On systems that do not show environments, what this process has started must be told. */
  const make = (): MarkedProcesses => {
    const processes = new MarkedProcesses(marker);
    processes.addRoot(parent.pid ?? 0);
    return processes;
  };

  const pids = async (processes: MarkedProcesses): Promise<number[]> =>
    (await processes.find()).map((info) => info.pid).sort((a, b) => a - b);

  it('are those with the marker and their descendants, even without environment', async () => {
    assert.deepEqual(
      await pids(make()),
      [parent.pid ?? 0, childPid].sort((a, b) => a - b),
    );
    assert.deepEqual(await new MarkedProcesses('another marker').find(), []);
    if (process.platform !== 'linux') return;
    assert.deepEqual(
      (await findMarked(marker)).map((info) => info.pid),
      [parent.pid],
    );
  });

  it('are remembered when their parent has died', async () => {
    const processes = make();
    await processes.find();
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    assert.deepEqual(await pids(processes), [childPid]);
  });

  it('are all gone after killAll', async () => {
    const processes = make();
    const [survivors] = await Promise.all([processes.killAll(), once(parent, 'exit')]);
    assert.deepEqual(survivors, []);
    assert.ok(!isAlive(parent.pid ?? 0));
    assert.deepEqual(await processes.find(), []);
  });
});

describe('identify', () => {
  it('knows this process, and no group', async () => {
    const self = await identify(process.pid);
    assert.equal(self?.pid, process.pid);
    assert.equal(self.ppid, process.ppid);
    assert.ok(self.startTime !== undefined && !self.isMarked && !self.isZombie);
    assert.ok(self.command.includes('node'));
    for (const pid of [0, -1, -process.pid, 1.5]) assert.equal(await identify(pid), undefined);
  });

  it('names the same process as the list does', async () => {
    const self = await identify(process.pid);
    const listed = (await listProcesses('none')).find(({ pid }) => pid === process.pid);
    assert.deepEqual(listed, self);
  });
});
