import * as vscode from 'vscode';
import { StorageError } from './domain/storageErrors';
import { openCore, type Core } from './compose';
import { CommandRegistry } from './editor/commandRegistry';
import { channelLogger } from './editor/log';
import { OutputChannels } from './editor/outputChannels';
import { registerSessionCommands, type Workbench } from './editor/sessionCommands';
import { SessionTree } from './editor/sessionTree';
import { readSettings, type Settings } from './editor/settings';
import { StateGate, type OpenAttempt } from './editor/stateGate';
import { StatusDocuments } from './editor/statusDocuments';

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
  const settings = (): Settings => readSettings(vscode.workspace.getConfiguration('deputy'));
  const { storageUri } = context;

  const attempt = async (storageFolder: string | undefined): Promise<OpenAttempt<Workbench>> => {
    if (storageFolder === undefined) {
      const user = vscode.Uri.joinPath(context.globalStorageUri, '../..');
      const place = vscode.Uri.joinPath(user, 'workspaceStorage').fsPath;
      throw new StorageError(
        'not-writable',
        place,
        new Error('VS Code could not make a folder in it'),
      );
    }
    const result = await openCore({
      storageFolder,
      globalStorageFolder: context.globalStorageUri.fsPath,
      programFolder: vscode.Uri.joinPath(context.extensionUri, 'dist').fsPath,
      settings,
      log,
      onDidFailToSave: (error) => void vscode.window.showErrorMessage(error.message),
    });
    if (result.kind === 'occupied') return result;
    return { ...result, workbench: furnish(context, result.workbench) };
  };
  const furnish = (owner: vscode.ExtensionContext, core: Core): Workbench => {
    const outputs = new OutputChannels(vscode, core.manager, log);
    const documents = new StatusDocuments(vscode, core.manager);
    owner.subscriptions.push(outputs, documents);
    return { ...core, outputs, documents, defaultAgent: () => settings().defaultAgent };
  };

  const opening = new StateGate<Workbench>(
    vscode,
    tree.view,
    log,
    // VS Code gives no storage without a folder, and none when it cannot make one.
    vscode.workspace.workspaceFolders && (() => attempt(storageUri?.fsPath)),
    ({ manager }) => tree.show(manager),
  );
  gate = opening;
  registerSessionCommands(vscode, registry, tree, () => opening.workbench());
  registry.register('deputy.showLog', async () => channel.show());
  // Commands last: they are disposed first.
  context.subscriptions.push(channel, tree, registry);
  void opening.run();
  const isTest = context.extensionMode === vscode.ExtensionMode.Test;
  return isTest ? { tree, workbench: () => opening.workbench() } : undefined;
}

/** Saves and lets go of the runners; the agents live on. */
export async function deactivate(): Promise<void> {
  await gate?.close();
  gate = undefined;
}
