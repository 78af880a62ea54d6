import * as path from 'node:path';
import type * as vscode from 'vscode';
import { UserError } from '../base/errors';
import type { CommandRegistry } from './commandRegistry';

/** What can be read of a damaged state. */
export interface StateFindings {
  readonly sessions: number;
  readonly lastChange: number;
  readonly problems: readonly string[];
}

/** What can be done with the files of the state, without opening it. */
export interface StateTools {
  /** Writes plain files into a folder. @returns how many sessions' events are among them */
  exportTo(target: string): Promise<number>;
  inspect(): Promise<StateFindings>;
  /** Makes a sound state of what can be read. @returns the folder with the files as they were */
  repair(): Promise<string>;
}

/** The part of the gate that these commands use. */
export interface Gate {
  readonly isUnavailable: boolean;
  takeOver(): Promise<void>;
  retry(): Promise<void>;
}

/**
 * Registers the commands about the state as a whole.
 * @param tools throws a `UserError` when the window has no state
 */
export function registerStateCommands(
  vs: typeof vscode,
  registry: CommandRegistry,
  gate: Gate,
  tools: () => StateTools,
): void {
  registry.register('deputy.takeOver', () => gate.takeOver());

  registry.register('deputy.exportState', async (given) => {
    const state = tools();
    const parent = typeof given === 'string' ? given : await askForFolder(vs);
    if (parent === undefined) return undefined;
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
    const target = path.join(parent, `deputy-state-${stamp}`);
    const count = await state.exportTo(target);
    void vs.window.showInformationMessage(
      `Deputy's state is in ${target}: deputy.sqlite, and the events of ${count} sessions. It holds prompts and output: keep it private.`,
    );
    return target;
  });

  registry.register('deputy.repairState', async (given) => {
    const state = tools();
    if (!gate.isUnavailable) {
      throw new UserError('The state is open and sound; there is nothing to repair.');
    }
    const findings = await state.inspect();
    if (findings.problems.length === 0) {
      throw new UserError(
        'The state itself is sound. See the message in the Sessions view for what keeps it from being opened.',
      );
    }
    const isAgreed = given === true || (await confirmRepair(vs, findings));
    if (!isAgreed) return undefined;
    const kept = await state.repair();
    await gate.retry();
    void vs.window.showInformationMessage(
      `Deputy opened what could be read. The files as they were are in ${kept}.`,
    );
    return kept;
  });
}

async function askForFolder(vs: typeof vscode): Promise<string | undefined> {
  const picked = await vs.window.showOpenDialog({
    title: 'Export State',
    openLabel: 'Export Here',
    canSelectFiles: false,
    canSelectFolders: true,
    canSelectMany: false,
  });
  return picked?.[0]?.fsPath;
}

async function confirmRepair(vs: typeof vscode, findings: StateFindings): Promise<boolean> {
  const { sessions, lastChange, problems } = findings;
  const repair = 'Repair';
  const detail = [
    `${sessions} ${sessions === 1 ? 'session' : 'sessions'} can be read, up to change ${lastChange}.`,
    ...problems,
    'The files as they are now are kept in a folder beside the new ones.',
  ].join('\n\n');
  const answer = await vs.window.showWarningMessage(
    'Open Deputy with what can be read of its state?',
    { modal: true, detail },
    repair,
  );
  return answer === repair;
}
