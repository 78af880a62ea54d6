import assert from 'node:assert/strict';
import * as path from 'node:path';
import type { AgentDefinition } from '../../src/domain/agent';
import { isActive, type Session } from '../../src/domain/session';
import { formatSessionStatus } from '../../src/domain/status';
import { TestCore } from '../support/core';
import { makeCliProgram } from '../support/cliStage';

describe('sessions of command lines', () => {
  const agents: AgentDefinition[] = [];
  let core: TestCore;

  beforeEach(async () => {
    core = await TestCore.open(agents);
    for (const format of ['claude', 'codex', 'plain'] as const) {
      const command = await makeCliProgram(core.root, format);
      const env = { CLI_AGENT_STATE: path.join(core.root, 's') };
      const name = `${format}-cli`;
      agents.push({
        name,
        description: '',
        protocol: 'cli',
        format,
        command,
        args: [],
        env,
        howToGet: '',
      });
    }
  });
  afterEach(async () => {
    await core.dispose();
    agents.length = 0;
  });

  const start = async (agentType: string, task: string): Promise<string> => {
    const { id, started } = await core.manager.create({
      task,
      agentType,
      useWorktree: true,
      folder: core.repository,
    });
    await started;
    return id;
  };
  const isIdle = (session: Session): boolean => session.state === 'idle';
  const costOf = (session: Session): string | undefined =>
    formatSessionStatus({ session, parent: undefined, children: [], unread: 0 })
      .split('\n')
      .find((line) => line.startsWith('Cost: '));

  it('work in a worktree, turn by turn, and add up what the turns cost', async () => {
    const id = await start('claude-cli', 'first');
    const idle = await core.until(id, isIdle);
    assert.equal(idle.pid, undefined);
    assert.ok(idle.conversationId !== undefined && idle.canContinue);
    await core.manager.sendPrompt(id, 'recall');
    const again = await core.until(id, (it) => isIdle(it) && it.metrics.tokensUsed === 200);
    assert.equal(costOf(again), 'Cost: $0.5000');
    assert.deepEqual(
      core.store.turns.list(id).map(({ costUsd, tokens }) => [costUsd, tokens]),
      [
        [0.25, 100],
        [0.25, 100],
      ],
    );
    assert.deepEqual(again.totals, { tokens: 0, costUsd: 0.5 });
    await core.manager.finish(id);
    assert.equal(core.manager.resolve(id).state, 'completed');
    assert.deepEqual(await core.lasting(id), []);
  });

  it('say that a cost is unknown when it is', async () => {
    const id = await start('codex-cli', 'first');
    const idle = await core.until(id, isIdle);
    assert.equal(costOf(idle), 'Cost: unknown');
    assert.equal(idle.metrics.tokensUsed, 100);
    assert.deepEqual(
      core.store.turns.list(id).map(({ costUsd }) => costUsd),
      [undefined],
    );
  });

  it('add up what an agent counts over its conversation', async () => {
    const id = await core.start('usage 1200 0.05');
    await core.until(id, isIdle);
    await core.manager.sendPrompt(id, 'usage 300 0.25');
    const again = await core.until(id, (it) => isIdle(it) && it.metrics.tokensUsed === 1500);
    assert.equal(costOf(again), 'Cost: $0.3000');
    assert.deepEqual(
      core.store.turns.list(id).map(({ costUsd }) => costUsd),
      [0.05, 0.25],
    );
  });

  it('are completed, or have failed, with a command that has one turn', async () => {
    const well = await start('plain-cli', 'say done');
    assert.equal((await core.until(well, ({ state }) => !isActive(state))).state, 'completed');
    const badly = await start('plain-cli', 'die 3');
    const failed = await core.until(badly, ({ state }) => !isActive(state));
    assert.deepEqual([failed.state, failed.ending], ['failed', 'failed']);
    assert.match(failed.reason ?? '', /exit code 3.*out of memory/);
  });

  it('stay idle when an account is used up, and say so', async () => {
    const id = await start('codex-cli', 'limit');
    const idle = await core.until(id, isIdle);
    assert.match(idle.reason ?? '', /usage limit/);
    assert.equal(core.store.turns.list(id)[0]?.stopReason, 'usage_limit');
  });
});
