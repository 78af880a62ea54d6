import assert from 'node:assert/strict';
import { agentEnvironment, cleanEnvironment } from '../../src/agents/environment';
import { isAlive } from '../../src/base/processTree';
import { parseClientMessage } from '../../src/runner/clientMessages';
import { CommandDesk } from '../../src/runner/commandDesk';
import { reportExit } from '../../src/runner/exitReport';

describe('cleanEnvironment', () => {
  it('drops what the editor has set for itself and the marker of another session', () => {
    const own = {
      PATH: '/bin',
      ELECTRON_RUN_AS_NODE: '1',
      VSCODE_PID: '1',
      DEPUTY_SESSION_MARKER: 'other',
      VSCODE_GIT_ASKPASS_MAIN: '/code/git/dist/askpass-main.js',
      GIT_ASKPASS: '/code/git/dist/askpass.sh',
      SSH_ASKPASS: '/usr/share/code/resources/app/extensions/git/dist/ssh-askpass.sh',
    };
    assert.deepEqual(cleanEnvironment(own), { PATH: '/bin' });
  });

  it('keeps an askpass program of the user’s own', () => {
    const own = { GIT_ASKPASS: '/usr/bin/ksshaskpass', SSH_ASKPASS: '/usr/bin/ksshaskpass' };
    assert.deepEqual(cleanEnvironment(own), own);
  });

  it('puts the agent’s own variables on top, and the marker where nothing overrides it', () => {
    const extra = { PATH: '/opt', ELECTRON_RUN_AS_NODE: '1', DEPUTY_SESSION_MARKER: 'x' };
    assert.deepEqual(agentEnvironment({ PATH: '/bin', HOME: '/h' }, extra, 'mine'), {
      HOME: '/h',
      PATH: '/opt',
      ELECTRON_RUN_AS_NODE: '1',
      DEPUTY_SESSION_MARKER: 'mine',
    });
  });
});

describe('isAlive', () => {
  it('does not take a group, or no process, for a living one', () => {
    assert.ok(isAlive(process.pid));
    // Somebody else's, and always there.
    assert.ok(isAlive(process.platform === 'win32' ? 4 : 1));
    for (const pid of [0, -1, -process.pid, 1.5, Number.NaN, 2 ** 22 + 1]) assert.ok(!isAlive(pid));
  });
});

describe('parseClientMessage', () => {
  const cases = [
    ['{"hello":{"token":"t","version":1}}', { kind: 'hello', token: 't', version: 1 }],
    ['{"hello":{"token":5}}', { kind: 'garbage' }],
    ['GET / HTTP/1.1', { kind: 'garbage' }],
    ['null', { kind: 'garbage' }],
    ['{"command":"cancel"}', { kind: 'garbage' }],
    ['{"id":"a","command":"prompt"}', { kind: 'unknown-command', id: 'a' }],
    ['{"id":"a","command":"subscribe","fromSeq":0}', { kind: 'unknown-command', id: 'a' }],
    ['{"id":"a","command":"stop","intent":"now"}', { kind: 'unknown-command', id: 'a' }],
    ['{"id":"a","command":"cancel"}', { kind: 'command', command: { id: 'a', command: 'cancel' } }],
  ] as const;
  for (const [line, message] of cases) {
    it(`takes ${line} for ${message.kind}`, () => {
      assert.deepEqual(parseClientMessage(line), message);
    });
  }
});

describe('CommandDesk', () => {
  it('acts once on an id, but again on one that was refused', async () => {
    let acts = 0;
    const desk = new CommandDesk(['old'], async () => {
      acts += 1;
      if (acts === 1) throw new Error('busy');
    });
    const cancel = (id: string) => desk.handle({ id, command: 'cancel' });
    assert.deepEqual(await cancel('old'), { reply: 'old', ok: true });
    assert.equal(acts, 0);
    assert.deepEqual(await cancel('a'), { reply: 'a', ok: false, error: 'busy' });
    assert.deepEqual(await Promise.all([cancel('a'), cancel('a')]), [
      { reply: 'a', ok: true },
      { reply: 'a', ok: true },
    ]);
    assert.equal(acts, 2);
  });

  it('remembers the latest of many thousands, and not all of them', async () => {
    const acted: string[] = [];
    const desk = new CommandDesk([], async ({ id }) => void acted.push(id));
    const ids = Array.from({ length: 3_000 }, (_, n) => `c${n}`);
    for (const id of ids) await desk.handle({ id, command: 'cancel' });
    for (const id of ids.slice(-1_000)) await desk.handle({ id, command: 'cancel' });
    assert.deepEqual(acted, ids);
    assert.ok((await desk.handle({ id: 'c0', command: 'cancel' })).ok);
    assert.equal(acted.length, 3_001);
  });
});

describe('reportExit', () => {
  const words = { program: 'codex', exit: undefined, errorLine: undefined };
  const ended = (code: number | undefined, signal?: string) =>
    reportExit({ kind: 'ended', wasReady: true }, { ...words, exit: { code, signal } });

  it('tells a finished session from a stopped one', () => {
    assert.equal(reportExit({ kind: 'stop', intent: 'finish' }, words).reason, 'completed');
    assert.equal(reportExit({ kind: 'stop', intent: 'stop' }, words).reason, 'stopped');
  });

  it('knows a command that ended because it was cancelled, or used up', () => {
    const last = { ...words, exit: { code: 1, signal: undefined } };
    const cause = { kind: 'ended', wasReady: true } as const;
    assert.deepEqual(reportExit({ ...cause, isCancelled: true }, last), {
      reason: 'stopped',
      detail: undefined,
    });
    const usedUp = reportExit(cause, { ...last, isUsedUp: true });
    assert.equal(usedUp.reason, 'usage-limit');
    assert.match(usedUp.detail ?? '', /account is used up/);
  });

  it('goes by the exit code of an agent that ends by itself', () => {
    assert.deepEqual(ended(0), { reason: 'completed', detail: undefined });
    assert.equal(ended(1).detail, '"codex" ended unexpectedly (exit code 1).');
    assert.equal(
      ended(undefined, 'SIGSEGV').detail,
      '"codex" ended unexpectedly (signal SIGSEGV).',
    );
  });

  it('adds the last line of the agent’s errors, once', () => {
    const withLine = { ...words, errorLine: 'no key' };
    const notReady = reportExit({ kind: 'not-ready', afterMs: 2_000 }, withLine);
    assert.equal(notReady.reason, 'start-failed');
    assert.match(notReady.detail ?? '', /within 2 s.* Its last message: no key$/);
    const why = 'Failed: no key';
    assert.equal(reportExit({ kind: 'not-started', why }, withLine).detail, why);
  });
});
