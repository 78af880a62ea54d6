import type * as vscode from 'vscode';
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
