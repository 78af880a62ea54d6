import assert from 'node:assert/strict';
import { MAX_ATTEMPTS } from '../../src/domain/handoff';
import { descendantsOf } from '../../src/domain/lineage';
import { decide } from '../../src/routing/decide';
import { isActive } from '../../src/domain/session';
import { readOverview } from '../../src/session/overview';
import type { DurableStore } from '../../src/store/durableStore';
import { AGENT_TYPES } from './simulatedPlaces';
import { query, workRows, type WorkRow } from './workRows';
import type { World } from './world';

/** What must hold after every operation. */
export function checkAlways(world: World): void {
  assert.deepEqual(world.defects, [], 'nobody expects this');
  const rows = workRows(world.host.store);
  const byTask = new Map<string, WorkRow[]>();
  for (const row of rows) {
    const task = world.tasks.get(row.id) ?? `handoff ${row.id}`;
    byTask.set(task, [...(byTask.get(task) ?? []), row]);
  }
  for (const [task, work] of byTask) checkHolder(world, task, work);
  for (const row of rows) {
    const isOpen = row.state === 'queued' || row.state === 'stranded';
    if (row.isRead === isOpen) fail(`message ${row.id} is read: ${row.isRead}`, [row]);
  }
  for (const [task, count] of world.runners.prompted) {
    const allowed = 1 + (world.restarts.get(task) ?? 0);
    if (count > allowed)
      fail(`${task} was given to agents ${count} times, not ${allowed}`, byTask.get(task) ?? []);
  }
  const turns = world.runners.working.length;
  assert.ok(turns <= world.limits.maxRunningTurns, `${turns} turns are under way`);
}

/** What must hold when nothing goes on any more. */
export function checkAtRest(world: World): void {
  checkAlways(world);
  const { host, runners } = world;
  const { store } = host;
  assert.deepEqual([...world.pending], [], 'calls that have not settled');
  const rows = workRows(store);
  const waiting = rows.filter(({ state }) => state === 'queued' || state === 'taken');
  if (waiting.length > 0) fail('work is left though nothing keeps it', waiting);
  for (const { id, state, presence } of store.sessions.list()) {
    const runner = runners.get(id);
    const isAlive = runner?.isAlive ?? false;
    assert.ok(state !== 'pending' && state !== 'running', `session ${id} is ${state}`);
    assert.equal(isAlive, state === 'idle', `session ${id} is ${state}, its runner: ${isAlive}`);
    assert.equal(presence, isAlive ? 'alive' : 'gone', `presence of ${id}`);
  }
  checkResults(world, rows);
  checkCounts(world);
  checkLineage(store);
  checkDecisions(world);
}

/** Exactly one handoff holds a piece of work; the others say where it went. */
function checkHolder(world: World, task: string, work: readonly WorkRow[]): void {
  const open = work.filter(({ state }) => ['queued', 'taken', 'stranded'].includes(state));
  const settled = work.filter((row) => isSettled(row));
  const routed = work.filter(({ state }) => state === 'routed');
  if (open.length > 1) fail(`${task} is held twice`, work);
  const [holder] = open;
  if (holder) {
    if (settled.length > 0) fail(`${task} is over, and held`, work);
    for (const { id } of routed)
      if (holder.originId !== id) fail(`${task}: ${id} is routed, but not to its holder`, work);
    return;
  }
  if (routed.length > 0) fail(`${task} was passed on to nobody`, work);
  if (settled.length === 0) {
    if (!world.withdrawn.has(task)) fail(`${task} is lost`, work);
    return;
  }
  // A source settles as the handoff that was made for it.
  const origins = new Set(settled.map(({ originId }) => originId));
  const leaves = settled.filter(({ id }) => !origins.has(id));
  if (leaves.length !== 1) fail(`${task} ended more than once`, work);
  if (new Set(settled.map(({ state }) => state)).size > 1) fail(`${task} ended both ways`, work);
}

/** It is over, and no other handoff has taken its place. */
function isSettled({ state, reason, attempts, originId }: WorkRow): boolean {
  if (state === 'done') return true;
  if (state !== 'failed') return false;
  const wasReplaced =
    reason.startsWith('Failed to start') && attempts < MAX_ATTEMPTS && originId !== undefined;
  return !wasReplaced;
}

/** Whoever sent work that is over, and is still there, was told once. */
function checkResults({ host, tasks, restarts }: World, rows: readonly WorkRow[]): void {
  const { store } = host;
  const told = new Map<string, Set<number>>();
  for (const row of rows) {
    if (!isSettled(row) || !store.sessions.get(row.from)) continue;
    const message = row.resultId === undefined ? undefined : store.messages.get(row.resultId);
    if (message?.to !== row.from)
      fail(`the result of ${row.id} did not come to ${row.from}`, [row]);
    const key = `${row.from} ${tasks.get(row.id) ?? ''}`;
    const ids = told.get(key) ?? new Set();
    if (row.resultId !== undefined) ids.add(row.resultId);
    told.set(key, ids);
    if (ids.size > 1 + (restarts.get(tasks.get(row.id) ?? '') ?? 0))
      fail(
        `${row.from} was told ${ids.size} times`,
        rows.filter((it) => tasks.get(it.id) === tasks.get(row.id)),
      );
  }
  const results = query(
    store,
    "SELECT count(*) FROM messages WHERE msg_type IN ('completed', 'response')",
  );
  const named = query(
    store,
    `SELECT count(DISTINCT m.id) FROM handoffs h JOIN messages m ON m.id = h.result_message_id`,
  );
  const again = [...restarts.values()].reduce((sum, count) => sum + count, 0);
  const surplus = Number(results[0]?.[0]) - Number(named[0]?.[0]);
  assert.ok(surplus <= 2 * again, `${surplus} results that belong to no handoff`);
}

/** What is shown equals what is stored. */
function checkCounts({ host }: World): void {
  const { store, manager, routing } = host;
  const counts = (sql: string): Map<string, number> =>
    new Map(query(store, sql).map(([id, count]) => [String(id), Number(count)]));
  const queued = counts(
    "SELECT to_session, count(*) FROM handoffs WHERE state = 'queued' GROUP BY 1",
  );
  const waiting = counts(
    "SELECT to_session, count(*) FROM handoffs WHERE state IN ('queued', 'stranded') GROUP BY 1",
  );
  const unread = counts(
    "SELECT to_session, count(*) FROM messages WHERE read = 0 AND msg_type <> 'task_handoff' GROUP BY 1",
  );
  const overview = manager.overview();
  assert.deepEqual(sorted(overview.handoffs), sorted(waiting));
  assert.deepEqual(sorted(overview.unread), sorted(unread));
  const pressure = routing.backlog.pressure();
  const total = [...queued.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(pressure.handoffs, total);
  assert.equal(pressure.sessions, queued.size);
  assert.equal(pressure.absorbable + pressure.saturated, queued.size);
}

/** Every session is in the forest once, and every walk ends. */
function checkLineage(store: DurableStore): void {
  const ids = store.sessions.list().map(({ id }) => id);
  const { forest } = readOverview(store);
  const seen = new Map<string, number>();
  for (const root of forest.roots) {
    for (const id of [root, ...descendantsOf(forest, root).map((it) => it.id)]) {
      seen.set(id, (seen.get(id) ?? 0) + 1);
    }
  }
  for (const id of ids) assert.equal(seen.get(id), 1, `session ${id} in the forest`);
  for (const [id, count] of seen) assert.equal(count, 1, `${id} in the forest`);
}

/** The same team gives the same decision, in whatever order it is listed. */
function checkDecisions({ host, random, limits }: World): void {
  const { store, routing } = host;
  for (const lead of store.sessions.list().filter(({ state }) => isActive(state))) {
    for (const agentType of AGENT_TYPES) {
      const team = [...routing.assigner.candidates(lead, agentType)];
      const before = decide(team, limits.maxDelegatesPerLead);
      team.sort(() => random.next() - 0.5);
      assert.deepEqual(decide(team, limits.maxDelegatesPerLead), before);
    }
  }
}

function sorted(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

function fail(what: string, rows: readonly WorkRow[]): never {
  assert.fail(`${what}\n${rows.map((row) => JSON.stringify(row)).join('\n')}`);
}
