import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import { UserError } from '../base/errors';

/**
 * For what starts programs.
 * @throws {UserError} when the workspace is not trusted
 */
export function requireTrust(vs: typeof vscode): void {
  if (vs.workspace.isTrusted) return;
  throw new UserError(
    'Agents run programs in this folder, and the workspace is not trusted. Trust it first (Workspaces: Manage Workspace Trust).',
  );
}

/** Calls `action` when more may go on than before: a setting of ours has changed, or trust was given. */
export function onDidChangeLimits(vs: typeof vscode, action: () => void): Disposable {
  const disposables = new DisposableStore();
  disposables.add(vs.workspace.onDidGrantWorkspaceTrust(action));
  disposables.add(
    vs.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('deputy')) action();
    }),
  );
  return disposables;
}
