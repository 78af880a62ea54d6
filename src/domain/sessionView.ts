import { shorten } from './message';
import { stateLabel, type Session, type SessionState } from './session';

/** How a session looks in a list, without anything of an editor's API. */
export interface SessionView {
  readonly label: string;
  readonly description: string;
  /** Id of a product icon, `~spin` included. */
  readonly icon: string;
  /** Id of a theme colour, or undefined for the icon's own. */
  readonly iconColor: string | undefined;
  /** Tokens that menus are matched against: `session.<state>` and what else applies. */
  readonly contextValue: string;
  /** Markdown; every text of others in it is escaped. */
  readonly tooltip: string;
  /** What a screen reader says. */
  readonly accessibleLabel: string;
}

/** What waits for a session and for those below it. */
export interface InboxCounts {
  /** Its queued handoffs. */
  readonly handoffs: number;
  /** Queued handoffs of all that is below it, unless that can be seen itself. */
  readonly handoffsBelow: number;
  /** Sessions below it whose agent waits for a person, unless they can be seen themselves. */
  readonly waitingBelow: number;
  /** Its unread messages that are no handoffs. */
  readonly unread: number;
}

/** Longest label, and longest reason in a description, in characters as a person counts them. */
const MAX_LABEL = 72;

/**
 * Describes a session for a list.
 * @param childCount number of sessions directly below it
 */
export function viewSession(
  session: Session,
  counts: InboxCounts,
  childCount: number,
): SessionView {
  const label = labelOf(session);
  const isWaiting = session.requests.length > 0;
  const state = isWaiting ? 'Waiting for you' : stateLabel(session.state);
  const isLost = session.presence === 'unknown';
  const facts = [
    state,
    ...waitingFacts(counts),
    session.agentType,
    ...inboxFacts(counts),
    ...(isLost ? ['runner does not answer'] : []),
  ];
  const shownFacts = [...facts, ...waitFacts(session)];
  return {
    label,
    description: shownFacts.join(' · '),
    icon: isLost ? 'question' : isWaiting ? 'bell-dot' : ICONS[session.state].icon,
    iconColor: isLost || isWaiting ? 'list.warningForeground' : ICONS[session.state].color,
    contextValue: [
      `session.${session.state}`,
      session.role,
      ...(session.worktree ? ['hasWorktree'] : []),
      ...(counts.handoffs > 0 ? ['hasHandoffs'] : []),
      ...(isWaiting ? ['waiting'] : []),
    ].join('.'),
    tooltip: tooltipOf(session, facts),
    accessibleLabel: [label, ...shownFacts, ...childFacts(childCount)].join(', '),
  };
}

/**
 * Describes a session that was deleted, but that others still hang under.
 * @param label what it was about, in one line
 * @param childCount number of sessions directly below it
 */
export function viewPlaceholder(
  id: string,
  label: string,
  counts: InboxCounts,
  childCount: number,
): SessionView {
  const shown = label.trim() === '' ? id : shorten(label, MAX_LABEL);
  const facts = [...waitingFacts(counts), ...inboxFacts(counts)];
  return {
    label: shown,
    description: ['Deleted', ...facts].join(' · '),
    icon: 'trash',
    iconColor: 'disabledForeground',
    contextValue: 'deleted',
    tooltip: [
      escapeMarkdown(shown),
      ['Deleted', ...facts].map(escapeMarkdown).join(' · '),
      `Session ${escapeMarkdown(id)} was deleted. It is shown because of what hangs below it.`,
    ].join('\n\n'),
    accessibleLabel: [shown, 'deleted session', ...facts, ...childFacts(childCount)].join(', '),
  };
}

/** The first line of the task, shortened to what a row can show. */
export function labelOf(session: Session): string {
  return shorten(session.task.trim().split('\n', 1)[0]?.trim() ?? '', MAX_LABEL);
}

function inboxFacts({ handoffs, handoffsBelow, unread }: InboxCounts): string[] {
  const facts: string[] = [];
  if (handoffs > 0) {
    facts.push(`${handoffText(handoffs)}${handoffsBelow > 0 ? ` (+${handoffsBelow} below)` : ''}`);
  } else if (handoffsBelow > 0) {
    facts.push(`${handoffText(handoffsBelow)} below`);
  }
  if (unread > 0) facts.push(`${unread} unread`);
  return facts;
}

/** First of all, so that it is not what a narrow view cuts off. */
function waitingFacts({ waitingBelow }: InboxCounts): string[] {
  if (waitingBelow === 0) return [];
  return [`${waitingBelow} ${waitingBelow === 1 ? 'waits' : 'wait'} for you below`];
}

function handoffText(count: number): string {
  return `${count} ${count === 1 ? 'handoff' : 'handoffs'}`;
}

/** Why a session has not started yet, if that is known. */
function waitFacts({ state, reason }: Session): string[] {
  return state === 'pending' && reason !== undefined && reason.trim() !== ''
    ? [shorten(reason.trim().replace(/\s+/g, ' '), MAX_LABEL)]
    : [];
}

function childFacts(count: number): string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? 'session' : 'sessions'} below it`];
}

const ICONS: Readonly<Record<SessionState, { icon: string; color: string | undefined }>> = {
  pending: { icon: 'clock', color: undefined },
  running: { icon: 'loading~spin', color: undefined },
  idle: { icon: 'comment', color: 'charts.blue' },
  completed: { icon: 'pass', color: 'testing.iconPassed' },
  failed: { icon: 'error', color: 'list.errorForeground' },
  stopped: { icon: 'debug-stop', color: 'disabledForeground' },
};

function tooltipOf(session: Session, facts: readonly string[]): string {
  const { worktree, metrics } = session;
  const lines = [
    escapeMarkdown(session.task.length > 600 ? `${session.task.slice(0, 600)}…` : session.task),
    facts.map(escapeMarkdown).join(' · '),
    ...session.requests.map((request) => `Asks: ${escapeMarkdown(request.title)}`),
    session.reason === undefined ? undefined : escapeMarkdown(session.reason),
    worktree && `Branch: ${escapeMarkdown(worktree.branch)}`,
    `Folder: ${escapeMarkdown(session.workingDir)}`,
    `Session ${escapeMarkdown(session.id)}, ${metrics.toolCalls} tool calls, ${metrics.filesChanged} files changed`,
  ];
  return lines.filter((line) => line !== undefined).join('\n\n');
}

/** Makes text harmless inside Markdown, so that a task cannot put links or images into a hover. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>&~$]/g, '\\$&').replace(/\n/g, '  \n');
}
