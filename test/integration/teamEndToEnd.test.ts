import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { Coalesced } from '../../src/base/async';
import type { SessionEvent } from '../../src/domain/events';
import type { Handoff } from '../../src/domain/handoff';
import type { Message } from '../../src/domain/message';
import type { Session } from '../../src/domain/session';
import { TestCore } from '../support/core';

const TASKS = [1, 2, 3, 4, 5, 6] as const;
const DELEGATES = 2;

/**
 * Leaves a file of its own, and a line that shows how often it was done. In between it asks a question,
 * so that a test can look at a team of which everybody is at work.
 */
function scriptOf(task: number): string {
  return [
    `append runs.txt task ${task}`,
    'ask May I go on?',
    `write task-${task}.txt made by task ${task}`,
    'recall',
  ].join('\n');
}

describe('A lead that gets more tasks than it may have delegates', () => {
  let core: TestCore;
  let lead: string;

  beforeEach(async () => {
    core = await TestCore.open();
    core.limits.maxDelegatesPerLead = DELEGATES;
    lead = await core.start('say I lead', true);
    await core.until(lead, (it) => it.state === 'idle');
  });
  afterEach(() => core.dispose());

  it('has each done once by two delegates, with auto-dispatch', async () => {
    core.limits.isAutoDispatching = true;
    await assignAll();
    answerFromNowOn();
    await allDone();
    await checkAll();
  });

  it('has each done once by two delegates, when a person drains its inbox', async () => {
    await assignAll();
    await allAsk();
    // Both are at work with nothing behind it: each may have one more.
    assert.deepEqual(await drain(), [
      'reused_active',
      'reused_active',
      'deferred_saturated',
      'deferred_saturated',
    ]);
    assert.deepEqual(await drain(), ['deferred_saturated', 'deferred_saturated']);
    assert.deepEqual(
      delegates().map(({ id }) => core.store.handoffs.queued(id, 'self').length),
      [1, 1],
    );
    const drains = new Coalesced(async () => {
      await drain();
    });
    const drained: Promise<void>[] = [];
    const subscription = core.manager.onDidApply(({ events }) => {
      if (events.some(({ type }) => type === 'turn-ended')) drained.push(drains.request());
    });
    answerFromNowOn();
    await allDone();
    subscription.dispose();
    await Promise.all(drained);
    await checkAll();
    for (const { id } of delegates()) assert.ok((await turnsOf(id)).length > 1, `${id} did one`);
  });

  it('keeps to all of that when the window is reloaded again and again', async () => {
    core.limits.isAutoDispatching = true;
    await assignAll();
    await allAsk();
    await drain();
    await reload();
    for (const count of [1, 2, 3, 4]) {
      await core.until(lead, () => results().length >= count);
      await reload();
    }
    await allDone();
    await checkAll();
  });

  /** All at once: as many as the team may have get a delegate, and the others wait. */
  async function assignAll(): Promise<void> {
    const { assigner } = core.routing;
    const outcomes = await Promise.all(
      TASKS.map((task) => assigner.assign({ leadId: lead, task: scriptOf(task) })),
    );
    const actions = outcomes.map(({ action }) => action);
    assert.equal(actions.filter((it) => it === 'spawned').length, DELEGATES);
    assert.equal(actions.filter((it) => it === 'deferred_saturated').length, 4);
  }

  async function drain(): Promise<(string | undefined)[]> {
    const outcomes = await core.routing.backlog.drainInbox(lead);
    assert.deepEqual(
      outcomes.filter(({ error }) => error !== undefined),
      [],
    );
    return outcomes.map(({ action }) => action);
  }

  async function reload(): Promise<void> {
    await core.reopen();
    await core.manager.adoptAll();
    core.routing.start();
    answerFromNowOn();
  }

  async function allAsk(): Promise<void> {
    for (const { id } of delegates()) await core.until(id, ({ requests }) => requests.length > 0);
  }

  /** Answers what the delegates ask, until the window is closed. */
  function answerFromNowOn(): void {
    const answered = new Set<string>();
    const answer = (): void => {
      for (const { id, requests } of delegates()) {
        for (const { requestId, options } of requests.filter((it) => !answered.has(it.requestId))) {
          answered.add(requestId);
          // After a reload, it may have been answered already; without an answer, the test does not end.
          void core.manager
            .answer(id, requestId, options[0]?.optionId ?? '')
            .catch(() => undefined);
        }
      }
    };
    core.manager.onDidChange(answer);
    answer();
  }

  /** Waits until the lead has been told of all tasks, and its team has come to rest. */
  async function allDone(): Promise<void> {
    await core.until(lead, () => results().length === TASKS.length);
    for (const { id } of delegates()) await core.until(id, (it) => it.state === 'idle');
  }

  function results(): Message[] {
    return core.store.messages.inbox(lead, 100).filter((it) => it.body?.type === 'completed');
  }

  function delegates(): Session[] {
    return core.store.sessions.list().filter((it) => it.id !== lead);
  }

  async function eventsOf(id: string): Promise<SessionEvent[]> {
    const events: SessionEvent[] = [];
    for await (const event of core.manager.events(id)) events.push(event);
    return events;
  }

  async function turnsOf(id: string): Promise<SeenTurn[]> {
    return turnsIn(await eventsOf(id));
  }

  async function checkAll(): Promise<void> {
    const team = delegates();
    assert.equal(team.length, DELEGATES);
    const handoffs: Handoff[] = [];
    const done: number[] = [];
    for (const delegate of team) {
      const taken = await checkDelegate(delegate);
      handoffs.push(...taken.map(({ handoff }) => handoff));
      done.push(...taken.map(({ task }) => task));
    }
    assert.deepEqual(
      done.sort((a, b) => a - b),
      TASKS,
    );
    checkInbox(handoffs);
    await checkNothingLeft(team);
  }

  /** @returns what it did, in that order */
  async function checkDelegate(
    delegate: Session,
  ): Promise<readonly { readonly task: number; readonly handoff: Handoff }[]> {
    const { id, worktree } = delegate;
    const events = await eventsOf(id);
    const conversations = events.filter((it) => it.type === 'conversation');
    assert.deepEqual(
      conversations.map((it) => it.conversationId),
      [delegate.conversationId],
    );
    const turns = turnsIn(events);
    const taken = turns.map(({ commandId, prompt }) => {
      const handoff = core.store.handoffs.get(Number(/^handoff:(\d+):0$/.exec(commandId)?.[1]));
      assert.ok(handoff, commandId);
      assert.deepEqual([handoff.from, handoff.to, handoff.state], [lead, id, 'done']);
      return { task: taskIn(prompt), handoff };
    });
    // Each turn knows of all that came before it in the same conversation.
    for (const [n, { said }] of turns.entries()) {
      const known = Array.from(said.matchAll(/before: append runs\.txt task (\d)/g), (it) => it[1]);
      assert.deepEqual(
        known.map(Number),
        taken.slice(0, n).map(({ task }) => task),
      );
    }
    assert.ok(worktree);
    const read = (name: string): Promise<string> =>
      fs.readFile(path.join(worktree.path, name), 'utf8');
    const lines = (await read('runs.txt')).trim().split('\n');
    assert.deepEqual(
      lines,
      taken.map(({ task }) => `task ${task}`),
    );
    for (const { task } of taken) {
      assert.equal((await read(`task-${task}.txt`)).trim(), `made by task ${task}`);
    }
    return taken;
  }

  /** Nothing waits any more, and each handoff's result is one of the messages that the lead got. */
  function checkInbox(handoffs: readonly Handoff[]): void {
    const { store } = core;
    for (const purpose of ['self', 'team'] as const) {
      assert.equal(store.handoffs.queuedCounts(purpose).size, 0);
    }
    assert.deepEqual(
      handoffs.map((it) => it.resultMessageId).sort(),
      results()
        .map(({ id }) => id)
        .sort(),
    );
    for (const { id, to, originId, resultMessageId } of handoffs) {
      assert.equal(store.messages.get(resultMessageId ?? 0)?.from, to);
      assert.equal(store.messages.get(id)?.isRead, true);
      if (originId === undefined) continue;
      const source = store.handoffs.get(originId);
      assert.deepEqual([source?.state, source?.resultMessageId], ['done', resultMessageId]);
    }
    assert.deepEqual(store.attention.open(), []);
  }

  async function checkNothingLeft(team: readonly Session[]): Promise<void> {
    await core.manager.stopTeam(lead);
    for (const id of [lead, ...team.map((it) => it.id)]) {
      assert.equal(core.manager.resolve(id).state, 'stopped');
      assert.deepEqual(await core.lasting(id), []);
    }
  }
});

interface SeenTurn {
  readonly commandId: string;
  readonly prompt: string;
  readonly said: string;
}

function turnsIn(events: readonly SessionEvent[]): SeenTurn[] {
  const turns: SeenTurn[] = [];
  for (const event of events) {
    const last = turns.at(-1);
    if (event.type === 'turn-started') turns.push({ ...event, said: '' });
    else if (event.type === 'text' && last) {
      turns[turns.length - 1] = { ...last, said: last.said + event.text };
    }
  }
  return turns;
}

function taskIn(prompt: string): number {
  return Number(/^append runs\.txt task (\d)/.exec(prompt)?.[1]);
}
