import assert from 'node:assert/strict';
import { UserError } from '../../src/base/errors';
import { SessionNotFoundError } from '../../src/session/errors';
import { ToolLog } from '../../src/session/toolLog';
import { HeldCore } from '../support/heldCore';

describe('ToolLog', () => {
  let core: HeldCore;
  let log: ToolLog;
  const thresholds = { review: 0.35, confirm: 0.6, block: 0.85 };

  beforeEach(async () => {
    core = await HeldCore.open();
    log = new ToolLog(
      core.store,
      () => thresholds,
      () => 1_000,
    );
    core.insert('one', 1);
    core.insert('two', 1);
  });
  afterEach(() => core.dispose());

  const record = (sessionId: string, inputSummary: string, tool = 'bash'): unknown =>
    log.record(sessionId, { tool, inputSummary, outputSummary: 'fine', durationMs: 12.4 }).action;

  it('scores each call, keeps it, and counts it for its session only', () => {
    assert.equal(record('one', 'rm -rf build'), 'require_confirmation');
    assert.equal(record('one', 'src/a.ts', 'read'), 'allow');
    const { entries, total } = log.query('one', 1, 10);
    assert.equal(total, 2);
    assert.deepEqual(entries[1], {
      id: 1,
      sessionId: 'one',
      toolName: 'bash',
      inputSummary: 'rm -rf build',
      outputSummary: 'fine',
      durationMs: 12,
      riskScore: 0.65,
      timestamp: 1_000,
    });
    assert.equal(core.manager.resolve('one').metrics.toolCalls, 2);
    assert.equal(core.manager.resolve('two').metrics.toolCalls, 0);
    assert.deepEqual(log.query('two', 1, 10), { entries: [], total: 0 });
  });

  it('reads the thresholds each time', () => {
    thresholds.block = 0.6;
    assert.equal(record('one', 'rm -rf build'), 'block');
    thresholds.block = 0.85;
  });

  it('is paged, the newest first', () => {
    for (let i = 1; i <= 5; i++) record('one', `call ${i}`);
    record('two', 'another');
    const page = (number: number): string[] =>
      log.query('one', number, 2).entries.map(({ inputSummary }) => inputSummary);
    assert.deepEqual(
      [page(1), page(2), page(3), page(4)],
      [['call 5', 'call 4'], ['call 3', 'call 2'], ['call 1'], []],
    );
    assert.equal(log.query('one', 4, 2).total, 5);
  });

  it('refuses pages and sizes that make no sense, and sessions that nobody knows', () => {
    for (const value of [0, -1, 1.5, NaN, Infinity]) {
      assert.throws(() => log.query('one', value, 10), UserError);
      assert.throws(() => log.query('one', 1, value), UserError);
    }
    const before = core.contents();
    assert.throws(() => log.query('nobody', 1, 1), SessionNotFoundError);
    assert.throws(() => record('nobody', 'x'), SessionNotFoundError);
    assert.deepEqual(core.contents(), before);
    assert.equal(core.store.toolLog.count('nobody'), 0);
  });

  it('goes with its session', async () => {
    record('one', 'x');
    core.store.mutate(() =>
      core.store.sessions.update({ ...core.manager.resolve('one'), state: 'stopped' }),
    );
    await core.manager.delete('one');
    assert.equal(core.store.toolLog.count('one'), 0);
  });
});
