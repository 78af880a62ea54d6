import assert from 'node:assert/strict';
import { PERSON } from '../../src/domain/message';
import type { Assignment, AssignmentOutcome } from '../../src/routing/assigner';
import type { Routing } from '../../src/routing/routing';
import { REPOSITORY } from './simulatedPlaces';
import type { Host } from './host';
import { MAX_INDEX, type Operation } from './operations';
import type { World } from './world';

/** An id that no session has. */
const NOBODY = 'nobody00';

/** Does one operation; settles when the call that it makes, if it makes one, has settled. */
export async function perform(world: World, operation: Operation): Promise<void> {
  const { kind } = operation;
  const { runners, places, limits } = world;
  const call = (work: (host: Host) => unknown): Promise<void> => world.call(kind, work);
  switch (operation.kind) {
    case 'nothing':
      return;
    case 'create':
      return call(async ({ manager }) => {
        const { agentType, useWorktree } = operation;
        const wanted = { task: world.newTask(), agentType, useWorktree, folder: REPOSITORY };
        await (
          await manager.create(wanted)
        ).started;
      });
    case 'assign': {
      const { agentType, priority } = operation;
      const leadId = pickSession(world, operation.lead);
      const wanted = { leadId, task: world.newTask(), priority, agentType };
      return call(({ routing }) => routing.assigner.assign(wanted));
    }
    case 'previewedAssign': {
      const { agentType, priority } = operation;
      const leadId = pickSession(world, operation.lead);
      const wanted = { leadId, task: world.newTask(), priority, agentType };
      return call(({ routing }) => assignAsPreviewed(world, routing, wanted));
    }
    case 'send': {
      const { purpose, priority, deadlineMs } = operation;
      const from = operation.from === undefined ? PERSON : pickSession(world, operation.from);
      const to = pickSession(world, operation.to);
      const body = {
        type: 'task_handoff',
        task: world.newTask(),
        context: 'Sent by hand.',
        priority,
        agentType: undefined,
      } as const;
      const deadline = deadlineMs === undefined ? undefined : world.time.clock() + deadlineMs;
      return call(({ routing }) =>
        routing.messenger.send({
          from,
          to,
          body,
          deadline,
          ...(purpose === undefined ? {} : { purpose }),
        }),
      );
    }
    case 'query': {
      const to = pickSession(world, operation.to);
      const body = { type: 'query', question: 'How far are you?' } as const;
      return call(({ routing }) => routing.messenger.send({ from: PERSON, to, body }));
    }
    case 'drain': {
      const lead = pickSession(world, operation.lead);
      return call(({ routing }) => routing.backlog.drainInbox(lead, operation.limit));
    }
    case 'autoDispatch':
      return call(({ routing }) => routing.backlog.autoDispatch(5));
    case 'rebalanceAll':
      return call(({ routing }) => routing.backlog.rebalanceAll(5));
    case 'coordinate':
      return call(({ routing }) => routing.coordinator.coordinate());
    case 'rebalanceTeam': {
      const lead = pickSession(world, operation.lead);
      return call(({ routing }) => routing.backlog.rebalanceTeam(lead));
    }
    case 'endTurn':
      pick(runners.working, operation.runner)?.endTurn(operation.stopReason);
      return;
    case 'endAgent': {
      const runner = pick(runners.alive, operation.runner);
      if (runner) runners.end(runner, operation.death);
      return;
    }
    case 'hide': {
      const runner = pick(runners.alive, operation.runner);
      if (runner) runners.hide(runner, true);
      return;
    }
    case 'show': {
      const runner = pick(runners.hidden, operation.runner);
      if (runner) runners.hide(runner, false);
      return;
    }
    case 'loseReply': {
      const runner = pick(runners.alive, operation.runner);
      if (runner) runner.losesNextReply = true;
      return;
    }
    case 'failLaunch':
      runners.failNextLaunch(operation.failure);
      return;
    case 'resume':
      return resume(world, pickSession(world, operation.session));
    case 'stop':
    case 'stopTeam':
    case 'delete':
    case 'cleanUp':
    case 'finish':
    case 'timeOut':
    case 'markRead': {
      const id = pickSession(world, operation.session);
      return call((host) => withSession(host, operation.kind, id));
    }
    case 'switchRole': {
      const id = pickSession(world, operation.session);
      return call(({ manager }) => manager.switchRole(id, operation.role));
    }
    case 'withdraw': {
      const { store } = world.host;
      const open = [...world.tasks.keys()].filter((id) => {
        const state = store.handoffs.get(id)?.state;
        return state === 'queued' || state === 'stranded';
      });
      const id = pick(open, operation.handoff) ?? 0;
      return call(({ routing }) => {
        routing.messenger.withdraw(id);
        world.withdrawn.add(world.tasks.get(id) ?? '');
      });
    }
    case 'rescue': {
      const stranded = pick(world.host.store.handoffs.stranded(), operation.handoff);
      const to = pickSession(world, operation.to);
      return call(({ routing }) =>
        routing.messenger.rescue(stranded?.id ?? 0, to, operation.purpose),
      );
    }
    case 'advance':
      return world.time.advance(operation.ms, () => world.settle());
    case 'crash':
      return world.crash(operation.afterTurns);
    case 'close':
      return world.close();
    case 'set':
      if (operation.what === 'autoDispatch') limits.isAutoDispatching = operation.value;
      else if (operation.what === 'agentMissing') places.isSecondAgentMissing = operation.value;
      else if (operation.what === 'dirty') places.areWorktreesDirty = operation.value;
      else places.failsNextWorktree = operation.value;
  }
}

/** Nothing else goes on meanwhile: what was shown is what is done. */
async function assignAsPreviewed(
  world: World,
  { assigner }: Routing,
  wanted: Assignment,
): Promise<void> {
  const { decision, problem } = await assigner.preview(wanted);
  const { store } = world.host;
  let made: AssignmentOutcome;
  try {
    made = await assigner.assign(wanted);
  } catch (error) {
    if (problem === undefined) throw new Error('The preview showed no problem.', { cause: error });
    throw error;
  }
  const expected = 'sessionId' in decision ? decision.sessionId : made.sessionId;
  assert.equal(problem, undefined);
  assert.deepEqual([made.action, made.sessionId], [decision.action, expected]);
  const isForLead = made.action === 'deferred_saturated';
  assert.equal(made.sessionId === wanted.leadId, isForLead);
  assert.equal(store.handoffs.get(made.handoffId)?.to, made.sessionId);
}

/**
 * Unless it is refused, which cannot be told when the host dies, its task, or what it was at last, may
 * be given once more.
 */
async function resume(world: World, id: string): Promise<void> {
  const { sessions, handoffs } = world.host.store;
  const last = handoffs.latestSelf(id);
  const tasks = new Set([sessions.get(id)?.task, last && world.tasks.get(last.id)]);
  const allow = (more: number): void => {
    for (const task of tasks) {
      if (task !== undefined) world.restarts.set(task, (world.restarts.get(task) ?? 0) + more);
    }
  };
  allow(1);
  await world.call('resume', async (host) => {
    try {
      await host.manager.resume(id);
    } catch (error) {
      if (host.isAlive) allow(-1);
      throw error;
    }
  });
}

function withSession(
  { manager, routing }: Host,
  kind: 'stop' | 'stopTeam' | 'delete' | 'cleanUp' | 'finish' | 'timeOut' | 'markRead',
  id: string,
): unknown {
  switch (kind) {
    case 'stop':
      return manager.stop(id);
    case 'stopTeam':
      return manager.stopTeam(id);
    case 'delete':
      return manager.delete(id);
    case 'cleanUp':
      return manager.cleanUpWorktree(id);
    case 'finish':
      return manager.finish(id);
    case 'timeOut':
      return manager.timeOut(id, 'It has taken too long.');
    case 'markRead': {
      for (const message of routing.messenger.inbox(id)) routing.messenger.markRead(message.id);
      return routing.messenger.markAllRead(id);
    }
  }
}

/** Sessions in the order they were created; the highest number is one that there is not. */
function pickSession({ host }: World, index: number): string {
  const ids = host.store.sessions.list().map(({ id }) => id);
  return (index === MAX_INDEX ? undefined : pick(ids.reverse(), index)) ?? NOBODY;
}

function pick<T>(from: readonly T[], index: number): T | undefined {
  return from.length === 0 ? undefined : from[index % from.length];
}
