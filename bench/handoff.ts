import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { deferred } from '../src/base/async';
import { SMALL } from '../test/support/agents';
import { TestCore } from '../test/support/core';
import { makeSession } from '../test/support/sessions';
import { makeHandoff } from '../test/support/stores';
import type { Bench } from './bench';
import { interleaveAsync, median } from './measure';
import type { Section } from './report';

const ROUNDS = { rounds: 200, warmUp: 20 };
const LINE = 'say hello\n';
const ECHO = 'process.stdin.on("data", (chunk) => process.stdout.write(chunk))';
const HANDOFF_BAR = 10;

const NOTES = [
  "p50, with everything real: routing, manager, socket, detached runner, its event log, the agent. A handoff: from the call of `Assigner.assign`, which finds the idle delegate, until the prompt's `turn-started` event has become part of the session's durable record, and with it the handoff is `taken`; the runner sends that event when the log has it, and writes the prompt to the agent's stdin in the same turn of its event loop. A prompt: the same from the call of `SessionManager.sendPrompt`. The rows below wait for the first word of the answer to come back the same way, so they are upper bounds: the rehearsal agent saves its conversation, with a sync, before it answers.",
  'The child is a bare Node program that writes what it reads. "Look-ups that read all of them": the same handoff, after its lead and delegates were looked for in lists of all sessions and handoffs, as one writes it first.',
  'The prompts come right after a handoff whose delegate works in a worktree, so they also wait while the host starts git to count its files.',
];

/** How long an idle session waits for its next prompt. */
export const handoffBench: Bench = { name: 'handoff', run };

async function run(): Promise<Section> {
  const core = await TestCore.open([SMALL]);
  const echo = spawn(process.execPath, ['-e', ECHO]);
  try {
    const rehearsal = await IdleSession.start(core, 'rehearsal', 'say hello');
    const other = await IdleSession.start(core, SMALL.name, 'echo hello');
    const team = await IdleTeam.start(core);
    const { line } = await interleaveAsync(
      {
        line: () => roundTrip(echo),
        handoff: () => team.handoff(),
        rehearsal: () => rehearsal.turn(),
        other: () => other.turn(),
      },
      ROUNDS,
    );
    const beside = { what: 'line to a child and back', value: median(line) };
    const taken = median(team.taken.splice(0).slice(ROUNDS.warmUp));
    fill(core);
    const crowded = await inACrowd(team);
    return {
      title: 'Handoff to an idle worker',
      notes: NOTES,
      rows: [
        {
          what: 'handoff until the agent has it',
          measured: taken,
          beside,
          bar: HANDOFF_BAR,
        },
        {
          what: `handoff among ${CROWD} sessions`,
          measured: crowded.indexed,
          beside: { what: 'look-ups that read all of them', value: crowded.straightforward },
        },
        {
          what: 'prompt until the agent has it',
          measured: median(rehearsal.given.slice(ROUNDS.warmUp)),
          beside,
        },
        {
          what: 'prompt until the rehearsal agent answers',
          measured: median(rehearsal.answered.slice(ROUNDS.warmUp)),
          beside,
        },
        {
          what: 'prompt until an agent that answers at once does',
          measured: median(other.answered.slice(ROUNDS.warmUp)),
          beside,
        },
      ],
    };
  } finally {
    echo.stdin.end();
    await core.dispose();
  }
}

/** As many sessions as 200 leads with 8 delegates each are. */
const CROWD = 1_800;
const CROWD_ROUNDS = 40;

/** Other leads with their delegates; they have ended, so that nobody is looked for. */
function fill({ store }: TestCore): void {
  store.mutate(() => {
    for (let n = 0; n < CROWD; n++) {
      const id = `crowd${n}`;
      store.sessions.insert(makeSession({ id, state: 'completed' }));
      if (n % 9 === 0) continue;
      const from = `crowd${n - (n % 9)}`;
      store.handoffs.insert(makeHandoff({ id: 1_000_000 + n, from, to: id, state: 'done' }));
    }
  });
}

/** A handoff as it is, and one whose lead and delegates are looked for as one writes it first. */
async function inACrowd(team: IdleTeam): Promise<{ indexed: number; straightforward: number }> {
  const indexed: number[] = [];
  const straightforward: number[] = [];
  for (let round = 0; round < CROWD_ROUNDS; round++) {
    await team.handoff();
    indexed.push(...team.taken.splice(0));
    await team.handoff(() => team.readAll());
    straightforward.push(...team.taken.splice(0));
  }
  return { indexed: median(indexed), straightforward: median(straightforward) };
}

/** A session that gets one turn after the other. Times are in microseconds. */
class IdleSession {
  readonly given: number[] = [];
  readonly answered: number[] = [];

  private constructor(
    private readonly core: TestCore,
    private readonly id: string,
    private readonly text: string,
  ) {}

  static async start(core: TestCore, agentType: string, text: string): Promise<IdleSession> {
    const created = await core.manager.create({
      task: text,
      agentType,
      useWorktree: false,
      folder: core.repository,
    });
    await created.started;
    const session = new IdleSession(core, created.id, text);
    await session.whenIdle();
    return session;
  }

  /** Sends the prompt, and settles when the session is idle again. */
  async turn(): Promise<void> {
    const [given, answered] = [deferred<number>(), deferred<number>()];
    const startedMs = performance.now();
    const subscription = this.core.manager.onDidApply(({ sessionId, events }) => {
      if (sessionId !== this.id) return;
      const us = (performance.now() - startedMs) * 1_000;
      if (events.some(({ type }) => type === 'turn-started')) given.resolve(us);
      if (events.some(({ type }) => type === 'text')) answered.resolve(us);
    });
    try {
      await this.core.manager.sendPrompt(this.id, this.text);
      this.given.push(await given.promise);
      this.answered.push(await answered.promise);
      await this.whenIdle();
    } finally {
      subscription.dispose();
    }
  }

  private async whenIdle(): Promise<void> {
    await this.core.until(this.id, ({ state }) => state === 'idle');
  }
}

/** A lead with one delegate, which gets one handoff after the other. Times are in microseconds. */
class IdleTeam {
  readonly taken: number[] = [];

  private constructor(
    private readonly core: TestCore,
    private readonly leadId: string,
    private readonly delegateId: string,
  ) {}

  static async start(core: TestCore): Promise<IdleTeam> {
    const leadId = await core.start('say I lead');
    await core.until(leadId, ({ state }) => state === 'idle');
    const { action, sessionId } = await core.routing.assigner.assign({ leadId, task: 'say hello' });
    assert.equal(action, 'spawned');
    await core.until(sessionId, ({ state }) => state === 'idle');
    return new IdleTeam(core, leadId, sessionId);
  }

  /** Each look-up of one assignment, made by reading all sessions, handoffs and counts. */
  readAll(): void {
    const { sessions, handoffs } = this.core.store;
    const lead = sessions.list().find(({ id }) => id === this.leadId);
    const children = new Set(
      handoffs.links().flatMap(({ from, to }) => (from === lead?.id ? to : [])),
    );
    const loads = handoffs.queuedCounts('self');
    const delegates = sessions.list().filter(({ id }) => children.has(id));
    assert.equal(delegates.find(({ id }) => (loads.get(id) ?? 0) === 0)?.id, this.delegateId);
  }

  /**
   * Hands a task over, and settles when the delegate is idle again.
   * @param lookUp what is read before, as part of the time
   */
  async handoff(lookUp: () => void = () => undefined): Promise<void> {
    const { core, leadId, delegateId } = this;
    const begun = deferred<number>();
    const startedMs = performance.now();
    lookUp();
    const subscription = core.manager.onDidApply(({ sessionId, events }) => {
      if (sessionId !== delegateId || !events.some(({ type }) => type === 'turn-started')) return;
      begun.resolve((performance.now() - startedMs) * 1_000);
      // In one burst with its end, it would be more than taken.
      const state = events.some(({ type }) => type === 'turn-ended') ? 'done' : 'taken';
      assert.equal(core.store.handoffs.openTo(delegateId)[0]?.state ?? 'done', state);
    });
    try {
      const { action, sessionId } = await core.routing.assigner.assign({
        leadId,
        task: 'say hello',
      });
      assert.deepEqual([action, sessionId], ['reused_idle', delegateId]);
      this.taken.push(await begun.promise);
      await core.until(delegateId, ({ state }) => state === 'idle');
    } finally {
      subscription.dispose();
    }
  }
}

async function roundTrip(child: ChildProcessWithoutNullStreams): Promise<void> {
  const answer = once(child.stdout, 'data');
  child.stdin.write(LINE);
  await answer;
}
