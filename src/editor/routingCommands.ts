import type { Handoff } from '../domain/handoff';
import { labelOf } from '../domain/sessionView';
import type { Session } from '../domain/session';
import type { Assignment, AssignmentOutcome } from '../routing/assigner';
import { assignmentText } from '../routing/report';
import { busy, optionsOf, pick, tell, type CommandParts } from './commandParts';
import { askForHandoff } from './handoffPicker';
import { labelsIn } from './names';
import { activeSession, anySession } from './pickSession';
import { showPreview } from './previewPick';
import { askForText } from './startSession';
import { requireTrust } from './trust';
import type { Workbench } from './workbench';

/** What code may give to the commands that take a task; what is left out is asked, or the default. */
type TaskOptions = Omit<Assignment, 'leadId'>;

/** Registers the commands that decide who gets a task. */
export function registerRoutingCommands(parts: CommandParts): void {
  const { vs, registry, workbench } = parts;

  registry.register('deputy.assignTask', async (target, given) => {
    requireTrust(vs);
    const bench = await workbench();
    const wanted = await askForAssignment(parts, bench, ASSIGN.title, target, given);
    return wanted && assign(parts, bench, wanted);
  });

  registry.register('deputy.previewAssignment', async (target, given) => {
    requireTrust(vs);
    const bench = await workbench();
    const wanted = await askForAssignment(parts, bench, PREVIEW.title, target, given);
    if (!wanted) return undefined;
    const preview = await bench.routing.assigner.preview(wanted);
    // Code wants to know; only a person looks at the list.
    if (optionsOf<TaskOptions>(given).task !== undefined) return preview;
    if (!(await showPreview(parts, bench, preview))) return undefined;
    return assign(parts, bench, wanted);
  });

  registry.register('deputy.delegateSession', async (target, given) => {
    requireTrust(vs);
    const bench = await workbench();
    const session = await pick(parts, bench, DELEGATE, target);
    if (!session) return undefined;
    const options = optionsOf<TaskOptions>(given);
    const task =
      options.task ??
      (await askForText(
        vs,
        `${DELEGATE.title}: ${labelOf(session)}`,
        'What shall the new session do? It begins where this one is.',
        'task',
        `Follow up on: ${firstLine(session)}`,
      ));
    if (task === undefined) return undefined;
    const outcome = await busy(parts, () =>
      bench.routing.assigner.delegate(session.id, { ...options, task }),
    );
    return handedOver(parts, bench, outcome);
  });

  registry.register('deputy.rescueWork', async (given, to, purpose) => {
    requireTrust(vs);
    const bench = await workbench();
    const stranded = bench.store.handoffs.stranded();
    const handoff = await askForHandoff(parts, bench, stranded, given, {
      title: 'Rescue Stranded Work',
      none: 'No work is stranded: every handoff has somebody who can take it.',
    });
    if (!handoff) return undefined;
    const receiver = await pick(parts, bench, RESCUE, to);
    if (!receiver) return undefined;
    const { messenger } = bench.routing;
    const wanted = purpose === 'self' || purpose === 'team' ? purpose : undefined;
    const made = messenger.rescue(
      handoff.id,
      receiver.id,
      wanted ?? messenger.purposeFor(receiver),
    );
    nudgeFor(bench, bench.store.handoffs.get(made));
    tell(parts, `Handed to ${labelOf(receiver)}.`);
    return made;
  });
}

/** Lets a lead's inbox be looked at when a handoff for its team has come into it. */
export function nudgeFor({ routing }: Workbench, handoff: Handoff | undefined): void {
  if (handoff?.purpose === 'team') routing.coordinator.nudge(handoff.to);
}

async function assign(
  parts: CommandParts,
  bench: Workbench,
  wanted: Assignment,
): Promise<AssignmentOutcome> {
  const outcome = await busy(parts, () => bench.routing.assigner.assign(wanted));
  return handedOver(parts, bench, outcome);
}

async function handedOver(
  parts: CommandParts,
  bench: Workbench,
  outcome: AssignmentOutcome,
): Promise<AssignmentOutcome> {
  nudgeFor(bench, bench.store.handoffs.get(outcome.handoffId));
  tell(parts, assignmentText(outcome, labelsIn(bench.store)));
  if (outcome.action === 'spawned') bench.outputs.open(outcome.sessionId);
  await parts.tree.reveal(outcome.sessionId);
  return outcome;
}

async function askForAssignment(
  parts: CommandParts,
  bench: Workbench,
  title: string,
  target: unknown,
  given: unknown,
): Promise<Assignment | undefined> {
  const lead = await pick(parts, bench, activeSession(title), target);
  if (!lead) return undefined;
  const options = optionsOf<TaskOptions>(given);
  const task =
    options.task ??
    (await askForText(
      parts.vs,
      `${title}: ${labelOf(lead)}`,
      'What shall be done? One of its team gets it.',
      'task',
    ));
  return task === undefined ? undefined : { ...options, task, leadId: lead.id };
}

const ASSIGN = activeSession('Assign Task');
const PREVIEW = activeSession('Preview Assignment');
const DELEGATE = anySession('Delegate Session');
const RESCUE = activeSession('Rescue Stranded Work');

function firstLine({ task }: Session): string {
  return task.trim().split('\n', 1)[0] ?? '';
}
