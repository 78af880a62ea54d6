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

/** Longest label, in characters as a person counts them. */
const MAX_LABEL = 72;

/**
 * Describes a session for a list.
 * @param unread number of messages in its inbox
 * @param childCount number of sessions below it
 */
export function viewSession(session: Session, unread: number, childCount: number): SessionView {
  const label = labelOf(session);
  const isWaiting = session.requests.length > 0;
  const state = isWaiting ? 'Waiting for you' : stateLabel(session.state);
  const isLost = session.presence === 'unknown';
  const facts = [
    state,
    session.agentType,
    unread === 0 ? undefined : `${unread} unread`,
    isLost ? 'runner does not answer' : undefined,
  ].filter((fact) => fact !== undefined);
  const children = childCount === 0 ? '' : `, ${childCount} below it`;
  return {
    label,
    description: facts.join(' · '),
    icon: isLost ? 'question' : isWaiting ? 'bell-dot' : ICONS[session.state].icon,
    iconColor: isLost || isWaiting ? 'list.warningForeground' : ICONS[session.state].color,
    contextValue: [
      `session.${session.state}`,
      session.worktree ? 'hasWorktree' : undefined,
      isWaiting ? 'waiting' : undefined,
    ]
      .filter((token) => token !== undefined)
      .join('.'),
    tooltip: tooltipOf(session, facts),
    accessibleLabel: `${label}, ${facts.join(', ')}${children}`,
  };
}

/** The first line of the task, shortened to what a row can show. */
export function labelOf(session: Session): string {
  const line = session.task.split('\n', 1)[0]?.trim() ?? '';
  if (line.length <= MAX_LABEL) return line;
  const characters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment);
  return characters.length > MAX_LABEL ? `${characters.slice(0, MAX_LABEL - 1).join('')}…` : line;
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
