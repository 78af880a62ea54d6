import type * as vscode from 'vscode';
import { stateLabel } from '../domain/session';
import { countText } from '../domain/words';
import type { AssignmentPreview } from '../routing/assigner';
import type { Candidate } from '../routing/decide';
import { decisionText } from '../routing/report';
import type { CommandParts } from './commandParts';
import { labelsIn } from './names';
import type { Workbench } from './workbench';

interface PreviewItem extends vscode.QuickPickItem {
  readonly choice?: 'assign' | { readonly reveal: string };
}

/**
 * Shows what would become of a task, why, and the team as it is now.
 * @returns whether the person wants it done; choosing a delegate only shows its row
 */
export async function showPreview(
  { vs, tree }: CommandParts,
  { store }: Workbench,
  preview: AssignmentPreview,
): Promise<boolean> {
  const nameOf = labelsIn(store);
  const { decision, problem, warnings, candidates, capacity, agentType, lead } = preview;
  const notes = [...(problem === undefined ? [] : [problem]), ...warnings];
  const summary: PreviewItem = {
    label: decisionText(decision, preview, nameOf),
    description: decision.why,
    iconPath: new vs.ThemeIcon(problem === undefined ? 'lightbulb' : 'error'),
    ...(notes.length === 0 ? {} : { detail: notes.join(' ') }),
    alwaysShow: true,
  };
  const assignNow: PreviewItem = {
    label: 'Assign it now',
    iconPath: new vs.ThemeIcon('arrow-right'),
    choice: 'assign',
  };
  const heading: PreviewItem = {
    label: `Team: ${candidates.length} of ${countText(capacity, 'delegate')} (${agentType})`,
    kind: vs.QuickPickItemKind.Separator,
  };
  const items = [
    summary,
    ...(problem === undefined ? [assignNow] : []),
    heading,
    ...candidates.map((it) => candidateItem(vs, it, nameOf(it.id))),
  ];
  const picked = await vs.window.showQuickPick(items, {
    title: `Preview Assignment: ${nameOf(lead.id)}`,
    placeHolder: 'Nothing is done yet.',
    matchOnDescription: true,
    ignoreFocusOut: true,
  });
  const choice = picked?.choice;
  if (typeof choice === 'object') await tree.reveal(choice.reveal);
  return choice === 'assign';
}

function candidateItem(
  vs: typeof vscode,
  { id, state, load, canTakeTurn }: Candidate,
  label: string,
): PreviewItem {
  const facts = [
    stateLabel(state),
    load === 0 ? 'nothing waits' : `${countText(load, 'handoff')} waiting`,
    ...(canTakeTurn ? [] : ['cannot take a turn']),
    id,
  ];
  return {
    label,
    description: facts.join(' · '),
    iconPath: new vs.ThemeIcon('hubot'),
    choice: { reveal: id },
  };
}
