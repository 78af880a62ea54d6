import type * as vscode from 'vscode';
import { messageOf, UserError } from '../base/errors';
import type { AgentPort, GitPort } from '../session/ports';
import type { SessionManager } from '../session/sessionManager';
import type { NewSession } from '../session/sessionStarter';
import { requireTrust } from './trust';

/** What the questions of *Start Session…* need. */
export interface StartSessionParts {
  readonly vs: typeof vscode;
  readonly manager: SessionManager;
  readonly agents: AgentPort;
  readonly git: GitPort;
  /** Name of the agent that is offered first. */
  readonly defaultAgent: () => string;
}

/** What code may give to `deputy.startSession`; what is left out is asked. */
export interface StartSessionOptions {
  readonly task?: string;
  readonly agent?: string;
  readonly worktree?: boolean;
}

const TITLE = 'Start Session';

/**
 * Finds out what the new session shall be, from the options or by asking.
 * @returns undefined when the person backed out
 * @throws {UserError} when there is no folder, or the workspace is not trusted
 */
export async function askForSession(
  parts: StartSessionParts,
  options: StartSessionOptions,
): Promise<NewSession | undefined> {
  const { vs } = parts;
  requireTrust(vs);
  const folder = await askForFolder(vs);
  if (folder === undefined) return undefined;
  const task = options.task ?? (await askForText(vs, TITLE, 'What shall the agent do?', 'task'));
  if (task === undefined) return undefined;
  const agentType = options.agent ?? (await askForAgent(parts));
  if (agentType === undefined) return undefined;
  const useWorktree = options.worktree ?? (await askForPlace(parts, folder));
  if (useWorktree === undefined) return undefined;
  return { task, agentType, useWorktree, folder };
}

/**
 * Asks for a line of text that must not be empty.
 * @param what names the text in the sentence that says that it is empty
 * @param value what stands there already; default: nothing
 * @returns undefined when the person backed out
 */
export async function askForText(
  vs: typeof vscode,
  title: string,
  prompt: string,
  what: string,
  value = '',
): Promise<string | undefined> {
  return vs.window.showInputBox({
    title,
    prompt,
    value,
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? `The ${what} must not be empty.` : undefined),
  });
}

async function askForFolder(vs: typeof vscode): Promise<string | undefined> {
  const folders = (vs.workspace.workspaceFolders ?? []).filter((it) => it.uri.scheme === 'file');
  const [first, ...others] = folders;
  if (!first) throw new UserError('Open a folder first: a session works in one.');
  if (others.length === 0) return first.uri.fsPath;
  const picked = await vs.window.showWorkspaceFolderPick({ placeHolder: 'In which folder?' });
  return picked?.uri.fsPath;
}

async function askForAgent(parts: StartSessionParts): Promise<string | undefined> {
  const { vs, agents } = parts;
  const preferred = parts.defaultAgent();
  const items = await Promise.all(
    agents.definitions().map(async (agent) => {
      const problem = await agents.resolve(agent.name).then(
        () => undefined,
        (error: unknown) => messageOf(error),
      );
      return {
        label: agent.name,
        description: agent.description,
        ...(problem === undefined ? {} : { detail: `$(circle-slash) ${problem}` }),
        isThere: problem === undefined,
      };
    }),
  );
  // The preferred one first, then those that can be started.
  const rank = (item: (typeof items)[number]): number =>
    item.isThere ? (item.label === preferred ? 0 : 1) : 2;
  items.sort((a, b) => rank(a) - rank(b));
  const picked = await vs.window.showQuickPick(items, {
    title: TITLE,
    placeHolder: 'Which agent?',
    ignoreFocusOut: true,
    matchOnDescription: true,
  });
  return picked?.label;
}

async function askForPlace(parts: StartSessionParts, folder: string): Promise<boolean | undefined> {
  const why = await parts.git.inspect(folder).then(
    (place) => {
      if (place.kind === 'repository') return undefined;
      return place.kind === 'unusable' ? place.why : 'No worktree: this is not a git repository.';
    },
    (error: unknown) => messageOf(error),
  );
  const inFolder = {
    label: 'In the workspace folder',
    description: 'The agent changes your files directly',
    ...(why === undefined ? {} : { detail: `$(info) ${why}` }),
    useWorktree: false,
  };
  const inWorktree = {
    label: 'New worktree',
    description: 'On a branch of its own, beside the repository',
    useWorktree: true,
  };
  const picked = await parts.vs.window.showQuickPick(
    why === undefined ? [inWorktree, inFolder] : [inFolder],
    { title: TITLE, placeHolder: 'Where shall it work?', ignoreFocusOut: true },
  );
  return picked?.useWorktree;
}
