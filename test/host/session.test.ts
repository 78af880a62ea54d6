import * as assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { InternalApi } from '../../src/extension';
import { openDeputy, outputWith, RowWatcher } from './deputy';

describe('a rehearsal session', () => {
  let api: InternalApi;
  let rows: RowWatcher;
  let id: string;

  const start = (task: string, worktree: boolean): Thenable<string> =>
    vscode.commands.executeCommand('deputy.startSession', { task, agent: 'rehearsal', worktree });
  const session = async () => (await api.workbench()).manager.resolve(id);

  before(async () => {
    api = await openDeputy();
    rows = new RowWatcher(api);
  });
  after(() => rows.dispose());

  it('goes from pending over running to idle, and the row shows each state', async () => {
    id = await start('write notes/host.md written by the host suite\nwait 1\nsay all done', true);
    await rows.until(id, (row) => row.description.startsWith('Idle'));
    const label = 'write notes/host.md written by the host suite';
    const states = rows.history(id);
    assert.deepEqual(states.slice(-2), [
      {
        label,
        description: 'Running · rehearsal',
        icon: 'loading~spin',
        contextValue: 'session.running.lead.hasWorktree',
      },
      {
        label,
        description: 'Idle · rehearsal',
        icon: 'comment',
        contextValue: 'session.idle.lead.hasWorktree',
      },
    ]);
    assert.deepEqual(states[0], {
      label,
      description: 'Pending · rehearsal',
      icon: 'clock',
      contextValue: 'session.pending.lead',
    });
  });

  it('worked in a worktree of its own, on its own branch, and not in the folder', async () => {
    const { worktree } = await session();
    assert.ok(worktree);
    assert.equal(worktree.branch, `deputy/${id}`);
    assert.equal(worktree.baseBranch, 'main');
    const text = await fs.readFile(path.join(worktree.path, 'notes/host.md'), 'utf8');
    assert.match(text, /written by the host suite/);
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    await assert.rejects(fs.access(path.join(folder, 'notes/host.md')));
  });

  it('has what the agent was asked, did and said in its output channel', async () => {
    await vscode.commands.executeCommand('deputy.showOutput', id);
    const text = await outputWith(/all done/);
    assert.match(text, /> write notes\/host\.md/);
    assert.match(text, /\* .*notes\/host\.md.*\(completed\)/);
  });

  it('takes a second turn in the same conversation', async () => {
    await vscode.commands.executeCommand('deputy.sendPrompt', id, 'wait 0.5\nrecall');
    await rows.until(id, (row) => row.description.startsWith('Running'));
    await rows.until(id, (row) => row.description.startsWith('Idle'));
    const text = await outputWith(/> recall[^]*turn ended/);
    assert.match(text.slice(text.indexOf('> recall')), /write notes\/host\.md/);
  });

  it('shows that it waits for a person, and goes on after the answer', async () => {
    await vscode.commands.executeCommand('deputy.sendPrompt', id, 'ask May I go on?\nsay went on');
    const row = await rows.until(id, (it) => it.description.startsWith('Waiting'));
    assert.equal(row.icon, 'bell-dot');
    assert.equal(row.contextValue, 'session.running.lead.hasWorktree.waiting');
    assert.equal(api.tree.view.badge?.value, 1);
    const { manager } = await api.workbench();
    const [request] = (await session()).requests;
    assert.ok(request);
    const allow = request.options.find((option) => option.kind === 'allow_once');
    await manager.answer(id, request.requestId, allow?.optionId ?? '');
    await rows.until(id, (it) => it.description.startsWith('Idle'));
    assert.equal(api.tree.view.badge, undefined);
    assert.match(await outputWith(/went on/), /May I go on\?/);
  });

  it('says everything about itself in its status document', async () => {
    await vscode.commands.executeCommand('deputy.showSessionStatus', id);
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    for (const line of [
      `Session: ${id}`,
      'Agent: rehearsal',
      'State: idle',
      `Branch: deputy/${id}`,
    ]) {
      assert.ok(text.includes(line), text);
    }
    assert.match(text, /Tools: [1-9]/);
  });

  it('is completed when it is finished, without a process, and keeps its worktree', async () => {
    await vscode.commands.executeCommand('deputy.finishSession', id);
    const row = await rows.until(id, (it) => it.description.startsWith('Completed'));
    assert.deepEqual(row, {
      label: 'write notes/host.md written by the host suite',
      description: 'Completed · rehearsal',
      icon: 'pass',
      contextValue: 'session.completed.lead.hasWorktree',
    });
    const { pid, worktree } = await session();
    assert.equal(pid, undefined);
    await fs.access(path.join(worktree?.path ?? '', 'notes/host.md'));
  });

  it('is stopped in the middle of a turn', async () => {
    id = await start('wait 600', false);
    await rows.until(id, (row) => row.description.startsWith('Running'));
    await vscode.commands.executeCommand('deputy.stopSession', id);
    const row = await rows.until(id, (it) => it.description.startsWith('Stopped'));
    assert.equal(row.icon, 'debug-stop');
    assert.equal(row.contextValue, 'session.stopped.lead');
  });
});

describe('the state', () => {
  it('is exported as a plain SQLite file with the events of every session', async () => {
    const { manager } = await (await openDeputy()).workbench();
    const parent = await fs.mkdtemp(path.join(os.tmpdir(), 'x-'));
    try {
      const target: string = await vscode.commands.executeCommand('deputy.exportState', parent);
      const head = (await fs.readFile(path.join(target, 'deputy.sqlite'))).subarray(0, 15);
      assert.equal(head.toString(), 'SQLite format 3');
      const exported = await fs.readdir(path.join(target, 'sessions'));
      // Those of deleted sessions are kept for a while, too.
      for (const id of manager.overview().sessions.keys()) assert.ok(exported.includes(id), id);
    } finally {
      await fs.rm(parent, { recursive: true });
    }
  });

  it('is not repaired while it is sound, nor taken over from nobody', async () => {
    const repair = vscode.commands.executeCommand('deputy.repairState', true);
    await assert.rejects(Promise.resolve(repair), /nothing to repair/);
    const takeOver = vscode.commands.executeCommand('deputy.takeOver', true);
    await assert.rejects(Promise.resolve(takeOver), /No other window/);
  });
});

describe('bad input', () => {
  const start = (options: object): Thenable<unknown> =>
    vscode.commands.executeCommand('deputy.startSession', options);
  const count = async () =>
    (await (await openDeputy()).workbench()).manager.overview().sessions.size;

  const cases = [
    { what: 'an empty task', options: { task: ' \n' }, message: /The task is empty/ },
    { what: 'an unknown agent', options: { agent: 'x' }, message: /Unsupported agent type: x\b/ },
    {
      what: 'an agent whose program is missing',
      options: { agent: 'codex' },
      message: /codex-acp.*npm install -g @agentclientprotocol\/codex-acp/,
    },
  ];
  for (const { what, options, message } of cases) {
    it(`refuses ${what} with a clear message and creates nothing`, async () => {
      const before = await count();
      const given = { task: 'say hello', agent: 'rehearsal', worktree: true, ...options };
      await assert.rejects(Promise.resolve(start(given)), message);
      assert.equal(await count(), before);
    });
  }

  it('names an id that no session has', async () => {
    const stop = vscode.commands.executeCommand('deputy.stopSession', 'nobody');
    await assert.rejects(Promise.resolve(stop), /Session not found: nobody/);
  });
});
