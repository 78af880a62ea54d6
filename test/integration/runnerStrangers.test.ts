import assert from 'node:assert/strict';
import * as net from 'node:net';
import * as path from 'node:path';
import { Runners } from '../../src/agents/runners';
import { RunnerLaunchError } from '../../src/agents/runnerLauncher';
import { isAlive, signal } from '../../src/base/processTree';
import { viewSession } from '../../src/domain/sessionView';
import { RunnerUnreachableError } from '../../src/session/errors';
import { TestCore } from '../support/core';
import { Stranger, type Answer } from '../support/stranger';

const PATIENCE = { welcomeMs: 300, replyMs: 300, patienceMs: 300 };
const NOTHING_WAITS = { handoffs: 0, handoffsBelow: 0, waitingBelow: 0, unread: 0 };
const isIdle = ({ state }: { state: string }): boolean => state === 'idle';

const STRANGERS: readonly (readonly [what: string, answer: Answer])[] = [
  ['says nothing', () => undefined],
  ['speaks something else', (_line, say) => say('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['welcomes in another way', (_line, say) => say('{"welcome":true}\n')],
  ['welcomes for another session', (_line, say) => say(welcome('cafe0001', 5))],
  ['never ends its line', (_line, say) => say('x'.repeat(2 * 1024 * 1024))],
  ['hangs up', (_line, _say, socket) => socket.destroy()],
];

describe('a stranger at the address of a runner', () => {
  let core: TestCore;
  let stranger: Stranger | undefined;

  afterEach(async () => {
    await stranger?.close();
    stranger = undefined;
    await core.dispose();
  });

  for (const [what, answer] of STRANGERS) {
    it(`that ${what} counts as alive: nothing is sent, nothing is killed, until it goes`, async () => {
      core = await TestCore.open();
      core.patience = PATIENCE;
      // The agent outlives its runner.
      const id = await core.start('ignore-sigterm');
      const { pid: agent = 0 } = await core.until(id, isIdle);
      await core.close();
      await killRunner(core, id, agent);
      stranger = await Stranger.listen((await core.launch(id)).socket, answer);
      await core.reopen();
      await core.manager.adoptAll();

      const session = core.manager.resolve(id);
      assert.deepEqual([session.state, session.presence], ['idle', 'unknown']);
      const view = viewSession(session, NOTHING_WAITS, 0);
      assert.match(view.description, /runner does not answer/);
      await assert.rejects(core.manager.sendPrompt(id, 'say more'), isUnreachable(/Nothing was/));
      await assert.rejects(core.manager.stop(id), isUnreachable(/Nothing was/));
      for (const line of stranger.heard) assert.ok(line.startsWith('{"hello":'), line);
      assert.ok(isAlive(agent));

      await stranger.close();
      await core.manager.adoptAll();
      const { state, presence, ending, reason } = core.manager.resolve(id);
      assert.deepEqual([state, presence, ending], ['failed', 'gone', 'lost']);
      assert.match(reason ?? '', /killed/);
      assert.deepEqual(await core.lasting(id), []);
    });
  }

  it('that was there first makes the start fail, and is left alone', async () => {
    const taken = await TakenCore.open();
    core = taken;
    stranger = await Stranger.listen(taken.address, () => undefined);
    const folder = core.repository;
    const wanted = { task: 'say hello', agentType: 'rehearsal', useWorktree: false, folder };
    const { id, started } = await core.manager.create(wanted);
    const why = `Another program listens at ${taken.address}.`;
    await assert.rejects(
      started,
      (error) => error instanceof RunnerLaunchError && error.message.includes(why),
    );
    const { state, presence, reason = '' } = core.manager.resolve(id);
    assert.deepEqual([state, presence], ['failed', 'gone']);
    assert.ok(reason.includes(why), reason);
    assert.deepEqual(await core.lasting(id), []);
    const visitor = net.connect(taken.address);
    await new Promise<void>((resolve) => visitor.once('connect', resolve));
    visitor.destroy();
  });
});

describe('a prompt to a runner', () => {
  let core: TestCore;
  let stranger: Stranger | undefined;

  beforeEach(async () => {
    core = await TestCore.open();
  });
  afterEach(async () => {
    await stranger?.close();
    stranger = undefined;
    await core.dispose();
  });

  const HANGS: readonly (readonly [what: string, reply: (id: string) => string, times: number])[] =
    [
      ['does not answer', () => '', 2],
      ['hangs in the middle of its answer', (id) => `{"reply":"${id}","o`, 2],
      ['agrees and then hangs', (id) => `{"reply":"${id}","ok":true}\n`, 1],
    ];
  for (const [what, reply, times] of HANGS) {
    it(`that ${what} is given up in time, and repeated only under its id`, async () => {
      core.patience = PATIENCE;
      const id = await core.start('say hello');
      const { pid = 0, appliedSeq } = await core.until(id, isIdle);
      await core.close();
      await killRunner(core, id, pid);
      const { socket } = await core.launch(id);
      stranger = await Stranger.listen(socket, (line, say) => {
        const { hello, command, id: commandId = '' } = JSON.parse(line) as Line;
        if (hello) say(welcome(id, appliedSeq));
        else if (command === 'subscribe') say(`{"reply":"${commandId}","ok":true}\n`);
        else if (command === 'prompt') say(reply(commandId));
      });
      await core.reopen();
      await core.manager.adoptAll();
      await assert.rejects(core.manager.sendPrompt(id, 'more'), isUnreachable(/Whether it heard/));
      const prompts = stranger.heard.filter((line) => line.includes('"prompt"'));
      assert.equal(prompts.length, times);
      assert.equal(new Set(prompts).size, 1);
      await stranger.close();
      await core.until(id, (it) => it.ending === 'lost');
    });
  }

  if (process.platform !== 'win32') {
    it('that was frozen meanwhile is taken once when it goes on', async () => {
      core.patience = PATIENCE;
      await core.reopen();
      const id = await core.start('say hello');
      const { pid = 0 } = await core.until(id, isIdle);
      const runner = await runnerOf(core, id, pid);
      signal(runner, 'SIGSTOP');
      try {
        await assert.rejects(core.manager.sendPrompt(id, 'say more'), isUnreachable(/Whether it/));
        assert.equal(core.manager.resolve(id).presence, 'unknown');
      } finally {
        signal(runner, 'SIGCONT');
      }
      await core.manager.adoptAll();
      const turnsOver = (): number | undefined => {
        const turns = core.store.turns.list(id).filter((turn) => turn.endedAt !== undefined);
        return turns.length > 1 ? turns.length : undefined;
      };
      assert.equal(await core.when(turnsOver), 2);
      assert.equal(core.manager.resolve(id).presence, 'alive');
    });
  }
});

interface Line {
  readonly hello?: object;
  readonly command?: string;
  readonly id?: string;
}

/** All runners are to listen at one address. */
class TakenCore extends TestCore {
  static override async open(): Promise<TakenCore> {
    return new TakenCore(await TestCore.makeRoot(), []).prepare();
  }

  get address(): string {
    return path.join(this.root, 's/taken');
  }

  protected override makeRunners(): Runners {
    const { address } = this;
    return new (class extends Runners {
      protected override newAddress(): string {
        return address;
      }
    })(this.runnersOptions());
  }
}

function welcome(sessionId: string, seq: number): string {
  return `${JSON.stringify({ welcome: { sessionId, version: 2, seq } })}\n`;
}

function isUnreachable(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof RunnerUnreachableError && message.test(error.message);
}

async function runnerOf(core: TestCore, id: string, agent: number): Promise<number> {
  const runner = (await core.processes(id)).find((pid) => pid !== agent);
  assert.ok(runner);
  return runner;
}

/** Kills the runner, and waits until it is gone. */
async function killRunner(core: TestCore, id: string, agent: number): Promise<void> {
  const runner = await runnerOf(core, id, agent);
  signal(runner, 'SIGKILL');
  while ((await core.processes(id)).includes(runner));
}
