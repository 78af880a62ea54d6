import assert from 'node:assert/strict';
import { capture, captureList, ProcessListError } from '../../src/base/processes/capture';
import { parseProc } from '../../src/base/processes/linux';
import { showsEnvironments } from '../../src/base/processes/list';
import {
  parsePs,
  parsePsMarked,
  PS_ENVIRONMENT_ARGUMENTS,
  psArguments,
  psEnvironment,
} from '../../src/base/processes/ps';
import {
  killWindowsTree,
  parseWindowsProcesses,
  powerShellEnvironment,
  readTaskkill,
  taskkillCommand,
  windowsListCommand,
} from '../../src/base/processes/windows';

const MARKER = 'cafe0001-3d0c7c9e-5a41-4f0e-9d0f-2f6b8a1c7e55';

describe('the list of processes on Linux', () => {
  it('is read from /proc, whatever a program calls itself', () => {
    const after = `S 7 42 42 0 -1 4194560 ${'0 '.repeat(12)}123456 1 2`;
    assert.deepEqual(parseProc(42, `42 (a) b (c)) ${after}`, true, 'node\0x.js\0'), {
      pid: 42,
      ppid: 7,
      pgid: 42,
      startTime: 123_456,
      startedAtMs: undefined,
      isZombie: false,
      isMarked: true,
      command: 'node x.js',
    });
  });

  it('tells a zombie, and a process that has gone', () => {
    assert.equal(parseProc(43, '43 (x) Z 1 1 1', false, '')?.isZombie, true);
    assert.equal(parseProc(43, '43 (x) Z 1 1 1', false, '')?.startTime, undefined);
    assert.equal(parseProc(44, '', false, ''), undefined);
  });
});

/** `/bin/ps -ax -ww -o pid= -o ppid= -o pgid= -o state= -o lstart= -o command=` on macOS. */
const PS = `    1     0     1 Ss   Mon Jun  1 07:00:00 2026     /sbin/launchd
  321     1   321 Ss   Tue Jun  2 10:11:12 2026     /usr/local/bin/node /Users/Jürgen/Library/Application Support/Code/runner.js /Users/Jürgen/Library/Application Support/Code/User/workspaceStorage/0a1b/deputy.deputy/sessions/cafe0001
  400   321   400 S+   Tue Jun  2 10:11:13 2026     claude --line first
second line of an argument
12345   400   400 Z    Tue Jun  2 10:11:13 2026     <defunct>
`;

describe('the list of processes from ps', () => {
  it('has numbers, states and whole command lines', () => {
    assert.deepEqual(
      parsePs(PS).map(({ pid, ppid, pgid, isZombie }) => [pid, ppid, pgid, isZombie]),
      [
        [1, 0, 1, false],
        [321, 1, 321, false],
        [400, 321, 400, false],
        [12345, 400, 400, true],
      ],
    );
    const [launchd, runner] = parsePs(PS);
    assert.equal(launchd?.command, '/sbin/launchd');
    assert.ok(runner?.command.endsWith('deputy.deputy/sessions/cafe0001'));
  });

  it('has times in UTC', () => {
    const times = parsePs(PS).map(({ startTime, startedAtMs }) => [startTime, startedAtMs]);
    const expected = [
      Date.UTC(2026, 5, 1, 7),
      Date.UTC(2026, 5, 2, 10, 11, 12),
      Date.UTC(2026, 5, 2, 10, 11, 13),
      Date.UTC(2026, 5, 2, 10, 11, 13),
    ];
    assert.deepEqual(
      times,
      expected.map((time) => [time, time]),
    );
    assert.equal(psEnvironment({ TZ: 'Europe/Berlin', PATH: '/bin' })['TZ'], 'UTC');
    assert.equal(psEnvironment({ LC_ALL: 'de_DE.UTF-8' })['LC_ALL'], undefined);
    assert.equal(psEnvironment({ LC_TIME: 'de_DE.UTF-8' })['LC_TIME'], 'C');
  });

  it('asks for one column each, of any width, and for a single process', () => {
    assert.deepEqual(psArguments().slice(0, 6), ['-ax', '-ww', '-o', 'pid=', '-o', 'ppid=']);
    assert.equal(psArguments().at(-1), 'command=');
    assert.ok(psArguments().every((argument) => !argument.includes(',')));
    assert.deepEqual(psArguments(321).slice(-2), ['-p', '321']);
    assert.ok(!psArguments(321).includes('-ax'));
  });
});

/** `/bin/ps -ax -ww -E -o pid= -o lstart= -o command=`: protected programs show nothing. */
const PS_ENVIRONMENTS = `    1 Mon Jun  1 07:00:00 2026     /sbin/launchd
  321 Tue Jun  2 10:11:12 2026     /usr/local/bin/node runner.js sessions/cafe0001 PATH=/usr/bin:/bin DEPUTY_SESSION_MARKER=${MARKER} HOME=/Users/x
  400 Tue Jun  2 10:11:13 2026     claude --line first
second line of an argument NOTE=a
b DEPUTY_SESSION_MARKER=${MARKER}
  401 Tue Jun  2 10:11:14 2026     node other.js DEPUTY_SESSION_MARKER=${MARKER}0 HOME=/Users/x
  402 Tue Jun  2 10:11:15 2026     /bin/sh -c true
`;

describe('the environments that macOS shows', () => {
  it('tell who carries the marker, and no other one', () => {
    assert.deepEqual(
      [...parsePsMarked(PS_ENVIRONMENTS, MARKER)],
      [
        [321, Date.UTC(2026, 5, 2, 10, 11, 12)],
        [400, Date.UTC(2026, 5, 2, 10, 11, 13)],
      ],
    );
    assert.deepEqual([...parsePsMarked(PS_ENVIRONMENTS, `${MARKER}0`).keys()], [401]);
    assert.deepEqual([...parsePsMarked('', MARKER)], []);
  });

  it('count for the process that was seen, not for a later one with its number', () => {
    const isMarked = (startTime: number): boolean[] =>
      parsePs(PS, new Map([[321, startTime]])).map((info) => info.isMarked);
    assert.deepEqual(isMarked(Date.UTC(2026, 5, 2, 10, 11, 12)), [false, true, false, false]);
    assert.deepEqual(isMarked(Date.UTC(2026, 5, 2, 9)), [false, false, false, false]);
  });

  it('are in no command line that may be logged', () => {
    assert.ok(PS_ENVIRONMENT_ARGUMENTS.includes('-E'));
    assert.ok(!psArguments().includes('-E'));
    assert.ok(!parsePs(PS, parsePsMarked(PS_ENVIRONMENTS, MARKER))[1]?.command.includes(MARKER));
  });

  it('prove something by their absence on Linux alone', () => {
    assert.deepEqual(
      (['linux', 'darwin', 'win32', 'freebsd'] as const).map((name) => showsEnvironments(name)),
      [true, false, false, false],
    );
  });
});

/** What Windows PowerShell 5.1 prints, in one line. */
const POWERSHELL_5 = String.raw`[{"ProcessId":0,"ParentProcessId":0,"CreationDate":null,"CommandLine":null},
{"ProcessId":4,"ParentProcessId":0,"CreationDate":"\/Date(1780300800123)\/","CommandLine":null},
{"ProcessId":5120,"ParentProcessId":912,"CreationDate":"\/Date(1780387872500)\/","CommandLine":"\"C:\\Program Files\\Microsoft VS Code\\Code.exe\" C:\\Users\\Jürgen\\runner.js \"C:\\Users\\Jürgen\\my state\\sessions\\cafe0001\""}]`;

/** A single process in PowerShell 7, and with the extended dates of PowerShell before 7.2. */
const POWERSHELL_7 = String.raw`{"ProcessId":5120,"ParentProcessId":912,"CreationDate":"2026-06-02T10:11:12.5001234+02:00","CommandLine":"node x"}`;
const EXTENDED = String.raw`{"ProcessId":7,"ParentProcessId":4,"CreationDate":{"value":"\/Date(1780387872500)\/","DisplayHint":2,"DateTime":"Dienstag, 2. Juni 2026 10:11:12"},"CommandLine":"x"}`;

describe('the list of processes on Windows', () => {
  it('is read from Windows PowerShell', () => {
    const infos = parseWindowsProcesses(POWERSHELL_5);
    assert.deepEqual(
      infos.map(({ pid, ppid, startTime }) => [pid, ppid, startTime]),
      [
        [0, 0, undefined],
        [4, 0, 1_780_300_800_123],
        [5120, 912, 1_780_387_872_500],
      ],
    );
    assert.equal(infos[1]?.command, '');
    assert.deepEqual(infos[2], {
      pid: 5120,
      ppid: 912,
      pgid: 0,
      startTime: 1_780_387_872_500,
      startedAtMs: 1_780_387_872_500,
      isZombie: false,
      isMarked: false,
      command: String.raw`"C:\Program Files\Microsoft VS Code\Code.exe" C:\Users\Jürgen\runner.js "C:\Users\Jürgen\my state\sessions\cafe0001"`,
    });
  });

  it('is read from a single process, and from other dates', () => {
    const [info, ...others] = parseWindowsProcesses(POWERSHELL_7);
    assert.equal(info?.startTime, Date.UTC(2026, 5, 2, 8, 11, 12, 500));
    assert.deepEqual(others, []);
    assert.equal(parseWindowsProcesses(EXTENDED)[0]?.startTime, 1_780_387_872_500);
  });

  it('is empty when nothing is printed, and an error when it is no JSON', () => {
    assert.deepEqual(parseWindowsProcesses(''), []);
    assert.deepEqual(parseWindowsProcesses('\uFEFF\r\n'), []);
    assert.deepEqual(parseWindowsProcesses('[{"ProcessId":"4"},null,5]'), []);
    assert.throws(() => parseWindowsProcesses('Get-CimInstance : Access denied'), SyntaxError);
  });

  it('comes from the PowerShell of Windows itself, without profile or shell', () => {
    const { program, args } = windowsListCommand({ SystemRoot: String.raw`D:\Win` });
    assert.equal(program, String.raw`D:\Win\System32\WindowsPowerShell\v1.0\powershell.exe`);
    assert.deepEqual(args.slice(0, -1), ['-NoProfile', '-NonInteractive', '-Command']);
    const script = args.at(-1) ?? '';
    // Quotation marks would be quoted once more on the way.
    assert.ok(!script.includes('"') && !script.includes('-Filter'));
    assert.match(windowsListCommand({}, 42).args.at(-1) ?? '', /-Filter 'ProcessId = 42' /);
    assert.match(windowsListCommand({}).program, /^C:\\Windows\\System32\\/);
  });

  it('does not depend on the PowerShell around it', () => {
    const own = { PATH: 'x', PSModulePath: String.raw`C:\Program Files\PowerShell\7\Modules` };
    assert.deepEqual(powerShellEnvironment(own), { PATH: 'x' });
  });
});

describe('taskkill', () => {
  it('is told to end the whole tree by force', () => {
    assert.deepEqual(taskkillCommand({ SystemRoot: String.raw`C:\Windows` }, 42), {
      program: String.raw`C:\Windows\System32\taskkill.exe`,
      args: ['/PID', '42', '/T', '/F'],
    });
  });

  it('tells what was killed from what was gone, in any language', () => {
    const gone = 'FEHLER: Der Prozess "42" wurde nicht gefunden.\r\n';
    const denied =
      'ERROR: The process with PID 42 could not be terminated.\r\nAccess is denied.\r\n';
    assert.deepEqual(readTaskkill({ code: 0, stderr: '' }), { kind: 'killed' });
    assert.deepEqual(readTaskkill({ code: 128, stderr: gone }), { kind: 'absent' });
    assert.deepEqual(readTaskkill({ code: 1, stderr: denied }), {
      kind: 'failed',
      why: denied.trim(),
    });
    const mute = readTaskkill({ code: 255, stderr: '' });
    assert.ok(mute.kind === 'failed' && mute.why.includes('255'));
  });

  it('is not started for what is no single process', async () => {
    for (const pid of [0, -1, 1.5, Number.NaN]) {
      assert.deepEqual(await killWindowsTree(pid), { kind: 'absent' });
    }
  });
});

describe('a program that lists processes', () => {
  const node = (script: string): [string, string[]] => [process.execPath, ['-e', script]];

  it('gets no input, and gives its output and exit code', async () => {
    const script = `process.stdin.on('end', () => { console.log('ü'); console.error('e'); process.exit(3) }).resume()`;
    const { code, stdout, stderr, pid } = await capture(...node(script));
    assert.deepEqual([code, stdout, stderr], [3, 'ü\n', 'e\n']);
    assert.ok(pid > 0);
  });

  it('is an error with its reason when it fails, or is not there', async () => {
    const isError = (code: number | undefined, why: RegExp) => (error: unknown) =>
      error instanceof ProcessListError && error.code === code && why.test(error.message);
    const failing = node(`console.error('no access'); process.exit(2)`);
    await assert.rejects(captureList(...failing), isError(2, /no access/));
    assert.equal((await captureList(...failing, process.env, [0, 2])).code, 2);
    await assert.rejects(captureList('/no/such/program', []), isError(undefined, /ENOENT/));
  });

  it('is killed when it takes too long', async () => {
    await assert.rejects(capture(...node('setInterval(() => {}, 1000)'), process.env, 50));
  });
});
