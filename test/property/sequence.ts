import { checkAlways, checkAtRest } from './checks';
import { checkCopies } from './copies';
import { describeStep, type Step } from './operations';
import { perform } from './perform';
import { repeatIds } from './ids';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';
import { AGENT_TYPES } from './simulatedPlaces';
import { World } from './world';

/** Sessions that are there before the first operation. */
const LEADS = 3;
/** More rounds than work can need to come to its end. */
const MAX_ROUNDS = 200;
/** How many of the sequences have two copies of their state compared. */
const COPY_CHANCE = 0.2;
/** Longer than any back-off. */
const ROUND_MS = 40_000;

/** Runs a sequence from an empty state to its rest, checking all the while. */
export async function runSequence(steps: readonly Step[], seed: number): Promise<void> {
  const folder = await makeTempFolder();
  const world = await World.open(folder, seed);
  const ids = repeatIds(world.random);
  let done = 0;
  try {
    for (let i = 0; i < LEADS; i++) {
      void perform(world, { kind: 'create', agentType: AGENT_TYPES[0], useWorktree: i > 0 });
      await world.settle();
    }
    while (done < steps.length) {
      const batch = [steps[done++]];
      while (canJoin(batch.at(-1)) && canJoin(steps[done], true)) batch.push(steps[done++]);
      await runBatch(
        world,
        batch.filter((step) => step !== undefined),
      );
      checkAlways(world);
    }
    if (world.random.chance(COPY_CHANCE)) await checkCopies(world);
    await comeToRest(world);
    checkAtRest(world);
  } catch (error) {
    const log = steps
      .slice(0, done)
      .filter(({ operation }) => operation.kind !== 'nothing')
      .map(describeStep)
      .join('\n');
    throw new Error(`after\n${log}\n${error instanceof Error ? String(error.stack) : 'thrown'}`, {
      cause: error,
    });
  } finally {
    ids.dispose();
    await world.dispose();
    await removeTempFolder(folder);
  }
}

function canJoin(step: Step | undefined, isNext = false): boolean {
  if (!step || step.operation.kind === 'previewedAssign') return false;
  return !isNext || step.isJoined;
}

/** Begins all of them; those that change what time or host it is have to be over before the check. */
async function runBatch(world: World, batch: readonly Step[]): Promise<void> {
  const begun = batch.map(({ operation }) => ({
    kind: operation.kind,
    over: perform(world, operation),
  }));
  for (const { kind, over } of begun) {
    if (kind === 'crash' || kind === 'close' || kind === 'advance') await over;
  }
  await world.settle();
}

/** Repairs what is broken, and has all agents finish what they have, until nothing is left to be done. */
async function comeToRest(world: World): Promise<void> {
  const { runners, places, time } = world;
  places.isSecondAgentMissing = false;
  places.failsNextWorktree = false;
  runners.heal();
  const settle = (): Promise<void> => world.settle();
  for (let round = 0, calm = 0; calm < 2; round++) {
    if (round > MAX_ROUNDS) throw new Error('There is always something left to do.');
    await time.advance(ROUND_MS, settle);
    const before = runners.working.length;
    const { dispatched } = await world.host.routing.coordinator.coordinate();
    await settle();
    for (const runner of runners.working) runner.endTurn('end_turn');
    await settle();
    calm = before === 0 && dispatched.length === 0 && runners.working.length === 0 ? calm + 1 : 0;
  }
}
