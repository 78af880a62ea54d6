import type * as vscode from 'vscode';
import { DisposableStore } from '../base/disposable';
import { messageOf } from '../base/errors';
import type { Message } from '../domain/message';
import type { Session } from '../domain/session';
import { labelOf } from '../domain/sessionView';
import { ageText } from '../domain/words';
import { messageLine } from '../routing/report';
import type { CommandParts } from './commandParts';
import { labelsIn } from './names';
import type { Workbench } from './workbench';

interface InboxItem extends vscode.QuickPickItem {
  readonly messageId?: number;
}

/**
 * Shows a session's messages, the newest first. A handoff that waits has a button that withdraws it;
 * the list stays open then.
 * @returns the message that was chosen; undefined when the person backed out
 */
export async function showInbox(
  { vs }: CommandParts,
  bench: Workbench,
  session: Session,
): Promise<number | undefined> {
  const { messenger } = bench.routing;
  const list = vs.window.createQuickPick<InboxItem>();
  const disposables = new DisposableStore();
  disposables.add(list);
  list.title = `Inbox: ${labelOf(session)}`;
  list.placeholder = 'Which message?';
  list.matchOnDescription = true;
  list.ignoreFocusOut = true;
  const fill = (): void => {
    list.items = inboxItems(vs, bench, messenger.inbox(session.id));
  };
  fill();
  try {
    return await new Promise((resolve) => {
      disposables.add(list.onDidHide(() => resolve(undefined)));
      disposables.add(list.onDidAccept(() => resolve(list.selectedItems[0]?.messageId)));
      disposables.add(
        list.onDidTriggerItemButton(({ item }) => {
          if (item.messageId === undefined) return;
          try {
            messenger.withdraw(item.messageId);
            fill();
          } catch (error) {
            void vs.window.showErrorMessage(messageOf(error));
          }
        }),
      );
      list.show();
    });
  } finally {
    disposables.dispose();
  }
}

function inboxItems(
  vs: typeof vscode,
  { store }: Workbench,
  messages: readonly Message[],
): InboxItem[] {
  if (messages.length === 0) return [{ label: 'No message has come yet.' }];
  const nameOf = labelsIn(store);
  const now = Date.now();
  return messages.map((message): InboxItem => {
    const handoff = store.handoffs.get(message.id);
    const isQueued = handoff?.state === 'queued' || handoff?.state === 'stranded';
    const forWhom = handoff?.purpose === 'team' ? ' for its team' : '';
    const mark = handoff ? `${handoff.state}${forWhom}` : message.isRead ? undefined : 'unread';
    const facts = [`from ${nameOf(message.from)}`, ageText(message.timestamp, now), mark];
    return {
      label: messageLine(message),
      description: facts.filter((fact) => fact !== undefined).join(' · '),
      iconPath: new vs.ThemeIcon(isQueued ? 'inbox' : message.isRead ? 'mail-read' : 'mail'),
      messageId: message.id,
      buttons: isQueued ? [{ iconPath: new vs.ThemeIcon('discard'), tooltip: 'Withdraw' }] : [],
    };
  });
}
