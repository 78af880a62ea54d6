import type * as vscode from 'vscode';
import type { Session } from '../domain/session';
import type { CommandRegistry } from './commandRegistry';
import { pickSession, type SessionQuestion } from './pickSession';
import type { SessionTree } from './sessionTree';
import type { Workbench } from './workbench';

/** What commands are registered with. */
export interface CommandParts {
  readonly vs: typeof vscode;
  readonly registry: CommandRegistry;
  readonly tree: SessionTree;
  /** Gives the parts, or throws a `UserError` that says why there are none. */
  readonly workbench: () => Promise<Workbench>;
}

/** The session that a command is about, see {@link pickSession}. */
export function pick(
  { vs, tree }: CommandParts,
  { manager }: Workbench,
  question: SessionQuestion,
  target: unknown,
): Promise<Session | undefined> {
  return pickSession(vs, manager, question, target, tree.view.selection[0]?.id);
}

/** Shows on the view that Deputy works on something that may take some seconds. */
export async function busy<T>({ vs, tree }: CommandParts, work: () => Promise<T>): Promise<T> {
  return vs.window.withProgress({ location: { viewId: tree.viewId } }, work);
}

/** Says what was done. */
export function tell({ vs }: CommandParts, text: string): void {
  // Nobody waits until a person has read it.
  void vs.window.showInformationMessage(text);
}

/**
 * Asks before something that cannot be taken back.
 * @param given the command's argument: code that gives `true` has asked already
 */
export async function confirm(
  { vs }: CommandParts,
  given: unknown,
  question: string,
  detail: string,
  action: string,
): Promise<boolean> {
  if (given === true) return true;
  const answer = await vs.window.showWarningMessage(question, { modal: true, detail }, action);
  return answer === action;
}

/** What code gave a command beside its session; a menu gives a list of rows there, which is none. */
export function optionsOf<T extends object>(value: unknown): Partial<T> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
