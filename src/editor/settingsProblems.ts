import type * as vscode from 'vscode';
import type { Disposable } from '../base/disposable';
import type { Logger } from '../base/log';

/**
 * Tells a person what is wrong in the settings: each problem once, now and when settings change, in the
 * log and in one message for all that are new.
 * @param problems sentences, read again at each change
 */
export function tellSettingsProblems(
  vs: typeof vscode,
  log: Pick<Logger, 'warn'>,
  problems: () => readonly string[],
): Disposable {
  let told: readonly string[] = [];
  const look = (): void => {
    const found = problems();
    const news = found.filter((problem) => !told.includes(problem));
    told = found;
    if (news.length === 0) return;
    for (const problem of news) log.warn(problem);
    void offerSettings(vs, news.join(' '));
  };
  look();
  return vs.workspace.onDidChangeConfiguration((change) => {
    if (change.affectsConfiguration('deputy.agents')) look();
  });
}

async function offerSettings(vs: typeof vscode, text: string): Promise<void> {
  const action = 'Open Settings';
  if ((await vs.window.showWarningMessage(text, action)) !== action) return;
  await vs.commands.executeCommand('workbench.action.openSettings', 'deputy.agents');
}
