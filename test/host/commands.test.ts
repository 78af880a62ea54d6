import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Session } from '../../src/domain/session';
import type { Workbench } from '../../src/editor/workbench';
import type { InternalApi } from '../../src/extension';
import type { AssignmentOutcome, AssignmentPreview } from '../../src/routing/assigner';
import { openDeputy, RowWatcher } from './deputy';
import { checkTree } from './treeCheck';

/** Long enough for a whole test run; whoever starts it stops it. */
const BUSY = 'wait 600';

describe('every command of the session manager', () => {
  let api: InternalApi;
  let bench: Workbench;
  let rows: RowWatcher;
  let lead: string;
  let first: string;
  let second: string;
  let third: string;

  const run = <T>(command: string, ...args: readonly unknown[]): Promise<T> =>
    Promise.resolve(vscode.commands.executeCommand<T>(`deputy.${command}`, ...args));
  const setLimit = (count: number | undefined): Thenable<void> =>
    vscode.workspace
      .getConfiguration('deputy')
      .update('maxDelegatesPerLead', count, vscode.ConfigurationTarget.Global);
  const shownText = (): string => vscode.window.activeTextEditor?.document.getText() ?? '';
  const queued = (id: string, purpose: 'self' | 'team') => bench.store.handoffs.queued(id, purpose);
  const rowOf = (id: string) => rows.until(id, () => true);

  /** Waits until the state fits. */
  function until<T>(look: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = look();
        if (found === undefined || found === false) return;
        subscription.dispose();
        resolve(found);
      };
      const subscription = bench.manager.onDidChange(check);
      check();
    });
  }
  const untilState = (id: string, state: Session['state']) =>
    until(() => bench.store.sessions.get(id)?.state === state);

  before(async () => {
    api = await openDeputy();
    bench = await api.workbench();
    rows = new RowWatcher(api);
    await vscode.commands.executeCommand('deputy.sessions.focus');
    const options = { task: 'say I lead', agent: 'rehearsal', worktree: true };
    lead = await run('startSession', options);
    await untilState(lead, 'idle');
    await setLimit(1);
  });
  after(async () => {
    await setLimit(undefined);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    rows.dispose();
  });
  afterEach(() => checkTree(api));

  it('Assign Task spawns a delegate below its lead', async () => {
    const outcome = await run<AssignmentOutcome>('assignTask', lead, { task: BUSY });
    assert.equal(outcome.action, 'spawned');
    first = outcome.sessionId;
    await untilState(first, 'running');
    const [node] = api.tree.getChildren(api.tree.getChildren().find(({ id }) => id === lead));
    assert.equal(node?.id, first);
    const row = await rows.until(first, ({ description }) => description.startsWith('Running'));
    assert.equal(row.contextValue, 'session.running.worker.hasWorktree');
  });

  it('Preview Assignment says what would happen, and changes nothing', async () => {
    const before = bench.store.handoffs.links().length;
    const preview = await run<AssignmentPreview>('previewAssignment', lead, { task: 'say two' });
    assert.deepEqual(preview.decision, {
      action: 'reused_active',
      sessionId: first,
      why: 'reused active delegate at capacity',
    });
    assert.equal(bench.store.handoffs.links().length, before);
  });

  it('Assign Task queues behind the turn of a busy delegate, then in the inbox of the lead', async () => {
    const behind = await run<AssignmentOutcome>('assignTask', lead, { task: 'say two' });
    assert.deepEqual([behind.action, behind.sessionId], ['reused_active', first]);
    const later = await run<AssignmentOutcome>('assignTask', lead, { task: 'say three' });
    assert.deepEqual([later.action, later.sessionId], ['deferred_saturated', lead]);
    assert.equal(queued(lead, 'team').length, 1);
    const row = await rows.until(lead, ({ description }) => description.includes('1 handoff'));
    assert.equal(row.contextValue, 'session.idle.lead.hasWorktree.hasHandoffs');
    assert.equal(api.tree.view.badge?.tooltip, '2 handoffs wait');
  });

  it('shows what waits below a row while that is collapsed', async () => {
    await vscode.commands.executeCommand('workbench.actions.treeView.deputy.sessions.collapseAll');
    await rows.until(lead, ({ description }) => description.endsWith('1 handoff (+1 below)'));
    const node = api.tree.getChildren().find(({ id }) => id === lead);
    assert.ok(node);
    await api.tree.view.reveal(node, { expand: true });
    await rows.until(lead, ({ description }) => description.endsWith('1 handoff'));
  });

  it('Send Message and Open Inbox: unread until it is opened', async () => {
    const body = { type: 'query', question: 'How far are you?' };
    const id = await run<number>('sendMessage', lead, { body });
    await rows.until(lead, ({ description }) => description.endsWith('1 unread'));
    await run('openInbox', lead, id);
    assert.match(shownText(), /From: you\nTo: say I lead.*\nType: query[^]*How far are you\?/);
    assert.equal(bench.store.messages.get(id)?.isRead, true);
  });

  it('Open Inbox and Mark Read leave handoffs that wait unread', async () => {
    await run('sendMessage', lead, { body: { type: 'conflict', file: 'a', description: 'b' } });
    const [waiting] = queued(lead, 'team');
    assert.ok(waiting);
    await run('openInbox', lead, waiting.id);
    assert.match(shownText(), /Purpose: for its team[^]*State: queued/);
    assert.equal(await run('markRead', lead), 1);
    assert.equal(bench.store.messages.get(waiting.id)?.isRead, false);
  });

  it('Drain Inbox leaves what nobody can take where it is', async () => {
    const outcomes = await run<readonly { action: string }[]>('drainInbox', lead);
    assert.deepEqual(
      outcomes.map(({ action }) => action),
      ['deferred_saturated'],
    );
    assert.equal(queued(lead, 'team').length, 1);
  });

  it('Auto-Dispatch Backlog hands it to a new delegate when there is room', async () => {
    await setLimit(2);
    await run('autoDispatchBacklog');
    assert.equal(queued(lead, 'team').length, 0);
    second = await until(() =>
      bench.store.sessions.list().find(({ task }) => task === 'say three'),
    ).then(({ id }) => id);
    await untilState(second, 'idle');
  });

  it('Rebalance Team moves a handoff that waits behind another one', async () => {
    const body = {
      type: 'task_handoff',
      task: 'say four',
      context: '',
      priority: 'normal',
      agentType: undefined,
    } as const;
    bench.routing.messenger.send({ from: lead, to: first, body, purpose: 'self' });
    assert.equal(queued(first, 'self').length, 2);
    const moves = await run<readonly { sessionId: string }[]>('rebalanceTeam', lead);
    assert.deepEqual(
      moves.map(({ sessionId }) => sessionId),
      [second],
    );
    await until(() => queued(second, 'self').length === 0);
    await untilState(second, 'idle');
  });

  it('Rebalance All Teams and Coordinate Backlog report what they did', async () => {
    assert.deepEqual(await run('rebalanceAll'), []);
    const report = await run<{ remaining: object }>('coordinateBacklog');
    assert.deepEqual(report.remaining, bench.routing.backlog.pressure());
    assert.match(shownText(), /^Dispatched:\n {2}nothing[^]*Still waiting:\n {2}1 handoff in/);
  });

  it('Withdraw Handoff takes it out of the inbox', async () => {
    const [waiting] = queued(first, 'self');
    assert.ok(waiting);
    await run('withdrawHandoff', first, waiting.id);
    assert.equal(bench.store.handoffs.get(waiting.id)?.state, 'withdrawn');
    await rows.until(first, ({ description }) => !description.includes('handoff'));
  });

  it('Delegate Session makes a session below a delegate', async () => {
    const task = 'ask May I go on?';
    const outcome = await run<AssignmentOutcome>('delegateSession', second, { task });
    third = outcome.sessionId;
    const row = await rows.until(third, ({ description }) => description.startsWith('Waiting'));
    assert.equal(row.contextValue, 'session.running.worker.hasWorktree.waiting');
    assert.equal(api.tree.view.badge?.tooltip, '1 agent waits for your answer');
  });

  it('says on a collapsed row that somebody below waits for a person', async () => {
    await vscode.commands.executeCommand('workbench.actions.treeView.deputy.sessions.collapseAll');
    const text = '1 waits for you below';
    await rows.until(lead, ({ description }) => description.startsWith(`Idle · ${text}`));
    const node = api.tree.getChildren().find(({ id }) => id === lead);
    assert.ok(node);
    await api.tree.view.reveal(node, { expand: 3 });
    await rows.until(lead, ({ description }) => !description.includes(text));
  });

  it('Show Team Status lists everybody, and follows', async () => {
    await run('showTeamStatus', lead);
    const { document } = vscode.window.activeTextEditor ?? {};
    assert.ok(document);
    for (const id of [first, second, third]) assert.ok(document.getText().includes(id));
    await run('stopSession', third);
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!/Stopped:\n +- +/.test(document.getText())) return;
        subscription.dispose();
        resolve();
      };
      const subscription = vscode.workspace.onDidChangeTextDocument(look);
      look();
    });
  });

  it('Show Session Status, Show Tool Log and Show Activity open documents', async () => {
    await run('showSessionStatus', second);
    assert.match(shownText(), new RegExp(`^Session: ${second}\\n[^]*Parent: ${lead}\\n`));
    await run('showToolLog', second);
    assert.match(shownText(), new RegExp(`^Tool calls of session ${second}: `));
    await run('showActivity');
    assert.match(shownText(), /coordinate +1 lead|coordinate +0 leads/);
  });

  it('Switch Role makes a worker a lead, and back', async () => {
    assert.equal(await run('switchRole', second), 'lead');
    await rows.until(second, ({ contextValue }) => contextValue.startsWith('session.idle.lead'));
    assert.equal(await run('switchRole', second), 'worker');
    assert.equal(bench.store.sessions.get(second)?.role, 'worker');
  });

  it('Turn Auto-Dispatch On routes what waits, and shows that it is on', async () => {
    await run('turnAutoDispatchOn');
    assert.equal(api.tree.view.description, 'auto-dispatch on');
    const body = { type: 'task_handoff', task: 'say five', context: '', priority: 'high' };
    const id = await run<number>('sendMessage', lead, { body, purpose: 'team' });
    await until(() => bench.store.handoffs.get(id)?.state === 'done');
    await untilState(second, 'idle');
    await run('turnAutoDispatchOff');
    assert.equal(api.tree.view.description, undefined);
    const settings = vscode.workspace.getConfiguration('deputy');
    assert.equal(settings.get('autoDispatch'), false);
    await settings.update('autoDispatch', undefined, vscode.ConfigurationTarget.Workspace);
  });

  it('Rescue Stranded Work gives it to somebody', async () => {
    const body = { type: 'task_handoff', task: 'say six', context: '', priority: 'normal' };
    const id = await run<number>('sendMessage', first, { body, purpose: 'self' });
    await run('stopSession', first);
    assert.equal(bench.store.handoffs.get(id)?.state, 'stranded');
    const made = await run<number>('rescueWork', id, second, 'self');
    await until(() => bench.store.handoffs.get(made)?.state === 'done');
    assert.deepEqual(bench.store.handoffs.stranded(), []);
  });

  it('Stop Team stops everybody below, and Resume Session starts one again', async () => {
    assert.deepEqual(await run('stopTeam', lead, true), [lead, second]);
    await rows.until(lead, ({ description }) => description.startsWith('Stopped'));
    await rows.until(second, ({ description }) => description.startsWith('Stopped'));
    await run('resumeSession', third);
    await rows.until(third, ({ description }) => description.startsWith('Waiting'));
    await run('stopSession', third);
  });

  it('Clean Up Worktree and Delete Session: a deleted one stays while others hang under it', async () => {
    await run('cleanUpWorktree', second, true);
    assert.equal(bench.store.sessions.get(second)?.worktree, undefined);
    await assert.rejects(run('cleanUpWorktree', second, true), /has no worktree/);
    await run('deleteSession', second, true);
    await checkTree(api);
    const row = await rowOf(second);
    assert.deepEqual(
      [row.label, row.contextValue, rows.history(second).at(-1)?.description],
      ['say three', 'deleted', 'Deleted'],
    );
  });

  it('leaves nothing behind when all are deleted', async () => {
    for (const id of [third, first, lead]) await run('deleteSession', id, true);
    assert.deepEqual(bench.store.sessions.list(), []);
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (api.tree.getChildren().length > 0) return;
        subscription.dispose();
        resolve();
      };
      const subscription = api.tree.onDidChangeTreeData(look);
      look();
    });
    await checkTree(api);
    assert.equal(api.tree.view.badge, undefined);
  });
});
