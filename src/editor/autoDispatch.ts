import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import { UserError } from '../base/errors';
import type { Logger } from '../base/log';
import type { CommandParts } from './commandParts';
import { requireTrust } from './trust';

const SETTING = 'deputy.autoDispatch';

/** What the indicator works with. */
export interface AutoDispatchParts extends Pick<CommandParts, 'vs' | 'registry' | 'workbench'> {
  /** The view that says that it is on. */
  readonly view: { description?: string | undefined };
  readonly isOn: () => boolean;
  readonly log: Logger;
}

/**
 * Shows whether the coordinator routes what waits by itself, in the view, in the status bar and to
 * menus, and lets it begin at once when it is turned on.
 */
export class AutoDispatch implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly item: vscode.StatusBarItem;
  private wasOn: boolean | undefined;

  constructor(private readonly parts: AutoDispatchParts) {
    const { vs, registry } = parts;
    this.item = vs.window.createStatusBarItem('deputy.autoDispatch', vs.StatusBarAlignment.Left);
    this.item.name = 'Deputy: auto-dispatch';
    this.item.text = '$(sync) Deputy: auto-dispatch';
    this.item.tooltip = 'What waits for a team is handed out by itself. Click to turn this off.';
    this.item.command = 'deputy.turnAutoDispatchOff';
    this.disposables.add(this.item);
    this.disposables.add(
      vs.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(SETTING)) this.update();
      }),
    );
    this.disposables.add(vs.workspace.onDidGrantWorkspaceTrust(() => this.update()));
    registry.register('deputy.turnAutoDispatchOn', () => this.turn(true));
    registry.register('deputy.turnAutoDispatchOff', () => this.turn(false));
    this.update();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async turn(isOn: boolean): Promise<void> {
    const { vs } = this.parts;
    if (isOn) requireTrust(vs);
    if (!vs.workspace.workspaceFolders) {
      throw new UserError('Open a folder first: auto-dispatch is turned on for one.');
    }
    await vs.workspace.getConfiguration().update(SETTING, isOn, vs.ConfigurationTarget.Workspace);
    this.update();
  }

  private update(): void {
    const { vs, view, isOn } = this.parts;
    const now = isOn();
    if (now === this.wasOn) return;
    const isTurnedOn = now && this.wasOn === false;
    this.wasOn = now;
    view.description = now ? 'auto-dispatch on' : undefined;
    if (now) this.item.show();
    else this.item.hide();
    void vs.commands.executeCommand('setContext', 'deputy.autoDispatch', now);
    if (isTurnedOn) void this.begin();
  }

  /** What waits is not left waiting until the next heartbeat. */
  private async begin(): Promise<void> {
    const { workbench, log } = this.parts;
    try {
      await (await workbench()).routing.coordinator.beat();
    } catch (error) {
      log.error('The first pass of auto-dispatch failed.', error);
    }
  }
}
