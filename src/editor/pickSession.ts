import type * as vscode from 'vscode';
import { UserError } from '../base/errors';
import { viewSession } from '../domain/sessionView';
import { isActive, type Session } from '../domain/session';
import type { SessionManager } from '../session/sessionManager';
import { SessionNode } from './sessionNode';

/** How a command asks for the session it is about. */
export interface SessionQuestion {
  /** Title of the quick pick: what will be done. */
  readonly title: string;
  /** Which sessions it can be done to. */
  readonly fits: (session: Session) => boolean;
  /** What to say when no session fits. */
  readonly none: string;
}

/** A question that every session fits. */
export function anySession(title: string): SessionQuestion {
  return { title, fits: () => true, none: 'There is no session yet. Start one first.' };
}

/** A question that sessions fit that are pending, running or idle. */
export function activeSession(title: string): SessionQuestion {
  return {
    title,
    fits: ({ state }) => isActive(state),
    none: 'No session is pending, running or idle. Start one, or resume one that was stopped.',
  };
}

/**
 * The session that a command is about: the row it was called on, the id that code gave, or the one
 * that a person picks.
 * @param target first argument of the command
 * @param selected id of the row that is selected in the view; it is offered first
 * @returns undefined when the person backed out
 * @throws {UserError} when there is nothing to pick, or no such session
 */
export async function pickSession(
  vs: typeof vscode,
  manager: SessionManager,
  question: SessionQuestion,
  target: unknown,
  selected: string | undefined,
): Promise<Session | undefined> {
  if (target instanceof SessionNode) return manager.resolve(target.id);
  if (typeof target === 'string') return manager.resolve(target);
  const { sessions, handoffs, unread } = manager.overview();
  const fitting = [...sessions.values()].filter(question.fits);
  if (fitting.length === 0) throw new UserError(question.none);
  fitting.sort((a, b) => Number(b.id === selected) - Number(a.id === selected));
  const items = fitting.map((session) => {
    const counts = {
      handoffs: handoffs.get(session.id) ?? 0,
      handoffsBelow: 0,
      waitingBelow: 0,
      unread: unread.get(session.id) ?? 0,
    };
    const view = viewSession(session, counts, 0);
    return { label: view.label, description: `${view.description} · ${session.id}`, session };
  });
  const picked = await vs.window.showQuickPick(items, {
    title: question.title,
    placeHolder: 'Which session?',
    matchOnDescription: true,
  });
  return picked?.session;
}
