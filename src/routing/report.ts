import { previewOf, shorten, type Message } from '../domain/message';
import type { Handoff } from '../domain/handoff';
import { countText } from '../domain/words';
import type { AssignmentOutcome, AssignmentPreview } from './assigner';
import type { Coordination, DrainOutcome, LeadDispatch, LeadRebalance, Move } from './backlog';
import type { AssignmentAction, Decision } from './decide';

/** What a session is called in a text. */
export type NameOf = (sessionId: string) => string;

/** Longest task in a line, in characters. */
const MAX_TASK = 56;

/** What became of a task, in one paragraph. */
export function assignmentText(outcome: AssignmentOutcome, nameOf: NameOf): string {
  const { action, sessionId, why, warnings } = outcome;
  const what =
    action === 'deferred_saturated'
      ? `Waits in the inbox of ${nameOf(sessionId)}: ${why}.`
      : `Handed to ${nameOf(sessionId)} (${why}).`;
  return [what, ...warnings].join(' ');
}

/** What would become of a task, in one line. */
export function decisionText(
  decision: Decision,
  { agentType, lead }: Pick<AssignmentPreview, 'agentType' | 'lead'>,
  nameOf: NameOf,
): string {
  switch (decision.action) {
    case 'reused_idle':
    case 'reused_active':
      return `Would go to ${nameOf(decision.sessionId)}`;
    case 'spawned':
      return `Would start a new delegate (${agentType})`;
    case 'deferred_saturated':
      return `Would wait in the inbox of ${nameOf(lead.id)}`;
  }
}

/** What became of the handoffs of one inbox, in one paragraph. */
export function drainText(outcomes: readonly DrainOutcome[]): string {
  if (outcomes.length === 0) return 'Nothing in this inbox can be handed to the team now.';
  const failed = outcomes.flatMap(({ error }) => error ?? []);
  const waiting = outcomes.filter(({ action }) => action === 'deferred_saturated').length;
  const routed = outcomes.length - waiting - failed.length;
  const facts = [
    `${routed} of ${countText(outcomes.length, 'handoff')} handed to the team.`,
    ...(waiting === 0 ? [] : [`${waiting} ${waiting === 1 ? 'waits' : 'wait'} for room in it.`]),
    ...(failed.length === 0 ? [] : [`${failed.length} failed: ${failed[0] ?? ''}`]),
  ];
  return facts.join(' ');
}

/** What a pass over all inboxes did, in one paragraph. */
export function dispatchText(dispatched: readonly LeadDispatch[]): string {
  const problems = dispatched.flatMap(({ error }) => error ?? []);
  const outcomes = dispatched.flatMap((it) => it.outcomes);
  if (outcomes.length === 0 && problems.length === 0) return 'No handoff waits for a team.';
  return [...(outcomes.length === 0 ? [] : [drainText(outcomes)]), ...problems].join(' ');
}

/** What was moved within teams, in one paragraph. */
export function rebalanceText(moves: readonly Move[], problems: readonly string[] = []): string {
  const what =
    moves.length === 0
      ? 'Nothing was moved: no handoff waits behind another one while somebody could take it.'
      : `${countText(moves.length, 'handoff')} moved to ${countText(new Set(moves.map(({ sessionId }) => sessionId)).size, 'other delegate')}.`;
  return [what, ...problems].join(' ');
}

/** What a whole pass did, as a document: what was dispatched, moved, and what still waits. */
export function formatCoordination(
  { dispatched, rebalanced, remaining }: Coordination,
  nameOf: NameOf,
): string {
  const { handoffs, sessions, absorbable, saturated } = remaining;
  const rest =
    handoffs === 0
      ? ['  nothing waits']
      : [
          `  ${countText(handoffs, 'handoff')} in the inboxes of ${countText(sessions, 'session')}`,
          `  ${absorbable} of them with room in their team`,
          `  ${saturated} of them without: raise deputy.maxDelegatesPerLead, or wait for a delegate`,
        ];
  return [
    'Dispatched:',
    ...orNothing(dispatched.flatMap((lead) => dispatchLines(lead, nameOf))),
    '',
    'Moved:',
    ...orNothing(rebalanced.flatMap((lead) => rebalanceLines(lead, nameOf))),
    '',
    'Still waiting:',
    ...rest,
    '',
  ].join('\n');
}

/**
 * A message as a document: the facts first, a line each, then all of its text.
 * @param handoff the record beside it, if it is one
 */
export function formatMessage(
  message: Message,
  handoff: Handoff | undefined,
  nameOf: NameOf,
): string {
  const { id, from, to, body, content, timestamp } = message;
  const facts = [
    `Message: ${id}`,
    `From: ${nameOf(from)}`,
    `To: ${nameOf(to)}`,
    `Type: ${body?.type ?? 'damaged'}`,
    `Time: ${new Date(timestamp).toISOString()}`,
    `Read: ${message.isRead ? 'yes' : 'no'}`,
    ...(handoff ? handoffFacts(handoff) : []),
  ];
  return [...facts, '', ...textOf(body, content), ''].join('\n');
}

/** A message in one line, for a list. */
export function messageLine({ body, content }: Message): string {
  return previewOf(body, content);
}

function handoffFacts(handoff: Handoff): string[] {
  const { purpose, state, priority, attempts, reason, deadline } = handoff;
  return [
    `Purpose: ${purpose === 'self' ? 'for itself' : 'for its team'}`,
    `Priority: ${priority}`,
    `State: ${state}`,
    ...(attempts === 0 ? [] : [`Attempts: ${attempts}`]),
    ...(deadline === undefined ? [] : [`Deadline: ${new Date(deadline).toISOString()}`]),
    ...(reason === undefined ? [] : [`Reason: ${reason}`]),
  ];
}

function textOf(body: Message['body'], content: string): string[] {
  switch (body?.type) {
    case 'task_handoff':
      return body.context.trim() === ''
        ? [body.task]
        : [body.task, '', 'Context:', '', body.context];
    case 'query':
      return [body.question];
    case 'response':
      return [body.answer];
    case 'completed':
      return body.filesChanged.length === 0
        ? [body.summary]
        : [body.summary, '', 'Files changed:', ...body.filesChanged.map((file) => `  ${file}`)];
    case 'conflict':
      return [`File: ${body.file}`, '', body.description];
    case undefined:
      return [content];
  }
}

function dispatchLines(
  { leadId, queued, outcomes, error }: LeadDispatch,
  nameOf: NameOf,
): string[] {
  return [
    `  ${nameOf(leadId)}: ${queued} waited`,
    ...(error === undefined ? [] : [`    could not be drained: ${error}`]),
    ...outcomes.map((it) => `    - ${taskText(it.task)}: ${drainedTo(it, nameOf)}`),
  ];
}

function drainedTo({ action, sessionId, error }: DrainOutcome, nameOf: NameOf): string {
  if (action === undefined) return `failed: ${error ?? ''}`;
  if (action === 'deferred_saturated') return 'waits on, the team is saturated';
  return `to ${nameOf(sessionId)} (${ACTIONS[action]})`;
}

function rebalanceLines({ leadId, moves, error }: LeadRebalance, nameOf: NameOf): string[] {
  return [
    `  ${nameOf(leadId)}: ${moves.length} moved`,
    ...(error === undefined ? [] : [`    ended early: ${error}`]),
    ...moves.map(
      (it) =>
        `    - ${taskText(it.task)}: from ${nameOf(it.fromSessionId)} to ${nameOf(it.sessionId)} (${ACTIONS[it.action]})`,
    ),
  ];
}

function orNothing(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? ['  nothing'] : lines;
}

function taskText(task: string): string {
  return shorten(task.trim().split('\n', 1)[0] ?? '', MAX_TASK);
}

const ACTIONS: Readonly<Record<AssignmentAction, string>> = {
  reused_idle: 'idle delegate',
  spawned: 'new delegate',
  reused_active: 'active delegate',
  deferred_saturated: 'waits',
};
