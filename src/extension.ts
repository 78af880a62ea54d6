import * as vscode from 'vscode';
import { openCore, stateTools, type Core, type Surroundings } from './compose';
import { DisposableStore } from './base/disposable';
import { UserError } from './base/errors';
import { StorageError } from './domain/storageErrors';
import { AutoDispatch } from './editor/autoDispatch';
import { registerBacklogCommands } from './editor/backlogCommands';
import { AttentionToasts } from './editor/attentionToasts';
import { CommandRegistry } from './editor/commandRegistry';
import { registerLifecycleCommands } from './editor/lifecycleCommands';
import { channelLogger } from './editor/log';
import { registerLookCommands } from './editor/lookCommands';
import { registerMessageCommands } from './editor/messageCommands';
import { OutputChannels } from './editor/outputChannels';
import { registerRoutingCommands } from './editor/routingCommands';
import { registerSessionCommands } from './editor/sessionCommands';
import { sessionDocuments } from './editor/sessionDocuments';
import { SessionTree } from './editor/sessionTree';
import { readSettings } from './editor/settings';
import { tellSettingsProblems } from './editor/settingsProblems';
import { onDidChangeLimits } from './editor/trust';
import { registerStateCommands } from './editor/stateCommands';
import { StateGate, type OpenAttempt } from './editor/stateGate';
import type { Workbench } from './editor/workbench';

/** For the tests inside VS Code; not an interface for other extensions. */
export interface InternalApi {
  readonly tree: SessionTree;
  readonly workbench: () => Promise<Workbench>;
}

let gate: StateGate<Workbench> | undefined;

/** Registers everything at once and opens the state in the background. */
export function activate(context: vscode.ExtensionContext): InternalApi | undefined {
  const channel = vscode.window.createOutputChannel('Deputy', { log: true });
  const log = channelLogger(channel);
  const registry = new CommandRegistry(vscode, log);
  const tree = new SessionTree(vscode);
  const settings = () =>
    readSettings(vscode.workspace.getConfiguration('deputy'), vscode.workspace.isTrusted);

  const around = (): Surroundings => {
    if (!vscode.workspace.workspaceFolders) {
      throw new UserError('Open a folder first: a session works in one.');
    }
    return {
      storageFolder: storageFolder(context),
      globalStorageFolder: context.globalStorageUri.fsPath,
      programFolder: vscode.Uri.joinPath(context.extensionUri, 'dist').fsPath,
      settings,
      log,
      warn: (what) => void vscode.window.showWarningMessage(what),
    };
  };
  const attempt = async (isForced: boolean): Promise<OpenAttempt<Workbench>> => {
    const result = await openCore(around(), isForced);
    if (result.kind === 'occupied') return result;
    const owned = new DisposableStore();
    const workbench = furnish(result.workbench, owned);
    owned.add(new AttentionToasts(vscode, result.workbench.store));
    owned.add(onDidChangeLimits(vscode, () => result.workbench.routing.wake()));
    const close = async (): Promise<void> => {
      owned.dispose();
      await result.close();
    };
    return { ...result, workbench, close };
  };
  const furnish = (core: Core, owned: DisposableStore): Workbench => ({
    ...core,
    outputs: owned.add(new OutputChannels(vscode, core.manager, log)),
    documents: owned.add(
      sessionDocuments(vscode, {
        ...core,
        riskThresholds: () => settings().riskThresholds,
        budget: () => ({ tokens: settings().tokenBudget, costUsd: settings().costBudgetUsd }),
      }),
    ),
    defaultAgent: () => settings().defaultAgent,
  });

  const opening = new StateGate<Workbench>({
    vs: vscode,
    view: tree.view,
    log,
    attempt: vscode.workspace.workspaceFolders && attempt,
    show: (source) => tree.show(source),
    sourceOf: ({ manager }) => manager,
  });
  gate = opening;
  const parts = { vs: vscode, registry, tree, workbench: () => opening.workbench() };
  registerSessionCommands(parts);
  registerRoutingCommands(parts);
  registerMessageCommands(parts);
  registerBacklogCommands(parts);
  registerLifecycleCommands(parts);
  registerLookCommands(parts);
  const isOn = (): boolean => settings().isAutoDispatching;
  const autoDispatch = new AutoDispatch({ ...parts, view: tree.view, isOn, log });
  registerStateCommands(vscode, registry, opening, () => stateTools(around()));
  registry.register('deputy.showLog', async () => channel.show());
  // Commands last: they are disposed first.
  const problems = tellSettingsProblems(vscode, log, () => settings().agentProblems);
  context.subscriptions.push(channel, tree, autoDispatch, problems, registry);
  void opening.run();
  const isTest = context.extensionMode === vscode.ExtensionMode.Test;
  return isTest ? { tree, workbench: () => opening.workbench() } : undefined;
}

/** Saves and lets go of the runners; the agents live on. */
export async function deactivate(): Promise<void> {
  await gate?.close();
  gate = undefined;
}

/** VS Code gives no storage without a folder, and none when it cannot make one. */
function storageFolder({ storageUri, globalStorageUri }: vscode.ExtensionContext): string {
  if (storageUri) return storageUri.fsPath;
  const place = vscode.Uri.joinPath(globalStorageUri, '../../workspaceStorage').fsPath;
  throw new StorageError('not-writable', place, new Error('VS Code could not make a folder in it'));
}
