import assert from 'node:assert/strict';
import { isChildOf, isSameProcess, type ProcessInfo } from '../../src/base/processes/processInfo';
import { MarkedProcesses } from '../../src/base/processTree';

/** A process as Windows lists it: no group, no environment. */
function listed(
  pid: number,
  ppid: number,
  startTime: number | undefined,
  changes: Partial<ProcessInfo> = {},
): ProcessInfo {
  return {
    ...{ pid, ppid, pgid: 0, startTime, startedAtMs: startTime },
    ...{ isZombie: false, isMarked: false, command: `program ${pid}` },
    ...changes,
  };
}

const SELF = listed(process.pid, 1, 10_000);

/** Pids that are not that of this process. */
const [ROOT, CHILD, GRANDCHILD, STRANGER] = [1, 2, 3, 4].map((n) => process.pid + n) as [
  number,
  number,
  number,
  number,
];

describe('isChildOf', () => {
  it('does not take the number of a parent for the parent', () => {
    const parent = listed(ROOT, 1, 20_000);
    assert.ok(isChildOf(listed(CHILD, ROOT, 20_000), parent));
    assert.ok(!isChildOf(listed(CHILD, ROOT, 19_999), parent));
    assert.ok(!isChildOf(listed(CHILD, STRANGER, 30_000), parent));
    assert.ok(!isChildOf(listed(CHILD, ROOT, undefined), parent));
    assert.ok(!isChildOf(listed(CHILD, ROOT, 30_000), listed(ROOT, 1, undefined)));
  });

  it('has no process as its own parent', () => {
    const idle = listed(0, 0, 0);
    assert.ok(!isChildOf(idle, idle));
  });
});

describe('isSameProcess', () => {
  it('goes by number and start, and knows nothing without a start', () => {
    assert.ok(isSameProcess(listed(ROOT, 1, 5), listed(ROOT, 9, 5)));
    assert.ok(!isSameProcess(listed(ROOT, 1, 5), listed(ROOT, 1, 6)));
    assert.ok(!isSameProcess(listed(ROOT, 1, 5), listed(CHILD, 1, 5)));
    assert.ok(!isSameProcess(listed(ROOT, 1, undefined), listed(ROOT, 1, undefined)));
  });
});

describe('MarkedProcesses where environments cannot be read', () => {
  let system: ProcessInfo[];
  let processes: MarkedProcesses;

  beforeEach(() => {
    system = [
      SELF,
      listed(ROOT, process.pid, 20_000),
      listed(CHILD, ROOT, 21_000),
      listed(GRANDCHILD, CHILD, 22_000),
      listed(STRANGER, 1, 23_000),
    ];
    processes = new MarkedProcesses('marker', async () => system);
  });

  const pids = async (): Promise<number[]> => (await processes.find()).map(({ pid }) => pid);
  const without = (...gone: readonly number[]): ProcessInfo[] =>
    system.filter(({ pid }) => !gone.includes(pid));

  it('are what descends from a root', async () => {
    processes.addRoot(ROOT);
    assert.deepEqual(await pids(), [ROOT, CHILD, GRANDCHILD]);
  });

  it('are none without a root', async () => {
    assert.deepEqual(await pids(), []);
  });

  it('do not have a child that is older than its parent', async () => {
    // The parent of CHILD is gone, and its number was given to ROOT.
    system = [SELF, listed(ROOT, process.pid, 20_000), listed(CHILD, ROOT, 15_000)];
    processes.addRoot(ROOT);
    assert.deepEqual(await pids(), [ROOT]);
  });

  it('are remembered when their parent has gone', async () => {
    processes.addRoot(ROOT);
    await pids();
    system = without(ROOT, CHILD);
    assert.deepEqual(await pids(), [GRANDCHILD]);
  });

  it('are not what has the number of one that has gone', async () => {
    processes.addRoot(ROOT);
    await pids();
    const later = listed(GRANDCHILD, 1, 90_000);
    system = [...without(ROOT, CHILD, GRANDCHILD), later, listed(CHILD, GRANDCHILD, 91_000)];
    assert.deepEqual(await pids(), []);
  });

  it('are not what was started by somebody else under the number of a root', async () => {
    system = [SELF, listed(ROOT, STRANGER, 20_000)];
    processes.addRoot(ROOT);
    assert.deepEqual(await pids(), []);
    system = [SELF, listed(ROOT, process.pid, 9_000)];
    processes.addRoot(ROOT);
    assert.deepEqual(await pids(), []);
  });

  it('are what was recorded after its start, with its descendants', async () => {
    system = [SELF, listed(ROOT, 1, 20_000), listed(CHILD, ROOT, 21_000)];
    processes.addRecorded(ROOT, 20_040);
    assert.deepEqual(await pids(), [ROOT, CHILD]);
  });

  it('are not what has started after the record of its number', async () => {
    system = [SELF, listed(ROOT, 1, 20_000), listed(CHILD, ROOT, 21_000)];
    processes.addRecorded(ROOT, 15_000);
    assert.deepEqual(await pids(), []);
  });

  it('are none on record where the system tells no date', async () => {
    system = [SELF, listed(ROOT, 1, 20, { startedAtMs: undefined })];
    processes.addRecorded(ROOT, 30_000);
    assert.deepEqual(await pids(), []);
  });

  it('never are this process', async () => {
    processes.addRecorded(process.pid, 50_000);
    system = [listed(process.pid, ROOT, 10_000, { isMarked: true })];
    assert.deepEqual(await pids(), []);
  });

  it('leave zombies out, but not what those have started', async () => {
    system = [
      SELF,
      listed(ROOT, process.pid, 20_000, { isZombie: true }),
      listed(CHILD, ROOT, 21_000),
    ];
    processes.addRoot(ROOT);
    assert.deepEqual(await pids(), [CHILD]);
  });
});
