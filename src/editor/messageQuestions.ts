import type * as vscode from 'vscode';
import type { HandoffPurpose } from '../domain/handoff';
import type { MessageBody, MessageType, Priority } from '../domain/message';
import { askForText } from './startSession';

/** Asks what a message shall say. @returns undefined when the person backed out */
export async function askForMessage(
  vs: typeof vscode,
  title: string,
): Promise<MessageBody | undefined> {
  const picked = await vs.window.showQuickPick(TYPES, {
    title,
    placeHolder: 'What kind of message?',
    ignoreFocusOut: true,
  });
  if (!picked) return undefined;
  const ask = (prompt: string, what: string): Promise<string | undefined> =>
    askForText(vs, title, prompt, what);
  switch (picked.type) {
    case 'task_handoff': {
      const task = await ask('What shall be done?', 'task');
      const priority = task === undefined ? undefined : await askForPriority(vs, title);
      if (task === undefined || !priority) return undefined;
      return { type: 'task_handoff', task, context: '', priority, agentType: undefined };
    }
    case 'query': {
      const question = await ask('What do you want to know?', 'question');
      return question === undefined ? undefined : { type: 'query', question };
    }
    case 'response': {
      const answer = await ask('What is the answer?', 'answer');
      return answer === undefined ? undefined : { type: 'response', answer };
    }
    case 'completed': {
      const summary = await ask('What was done, in a sentence?', 'summary');
      return summary === undefined ? undefined : { type: 'completed', summary, filesChanged: [] };
    }
    case 'conflict': {
      const file = await ask('Which file is it about?', 'path of the file');
      const description =
        file === undefined ? undefined : await ask(`What is the conflict in ${file}?`, 'conflict');
      if (file === undefined || description === undefined) return undefined;
      return { type: 'conflict', file, description };
    }
  }
}

/** Asks who is to do the work. @param suggested stands first */
export async function askForPurpose(
  vs: typeof vscode,
  title: string,
  suggested: HandoffPurpose,
): Promise<HandoffPurpose | undefined> {
  const items = [...PURPOSES].sort(
    (a, b) => Number(b.purpose === suggested) - Number(a.purpose === suggested),
  );
  const picked = await vs.window.showQuickPick(items, {
    title,
    placeHolder: 'Who shall do it?',
    ignoreFocusOut: true,
  });
  return picked?.purpose;
}

async function askForPriority(vs: typeof vscode, title: string): Promise<Priority | undefined> {
  const picked = await vs.window.showQuickPick(PRIORITY_ITEMS, {
    title,
    placeHolder: 'How urgent is it?',
    ignoreFocusOut: true,
  });
  return picked?.priority;
}

interface TypeItem extends vscode.QuickPickItem {
  readonly type: MessageType;
}

const TYPES: readonly TypeItem[] = [
  { type: 'task_handoff', label: 'Handoff', description: 'a task, for itself or for its team' },
  { type: 'query', label: 'Query', description: 'a question' },
  { type: 'response', label: 'Response', description: 'an answer' },
  { type: 'completed', label: 'Completed', description: 'a report of what was done' },
  { type: 'conflict', label: 'Conflict', description: 'two changes of one file' },
];

const PURPOSES: readonly (vscode.QuickPickItem & { readonly purpose: HandoffPurpose })[] = [
  { purpose: 'self', label: 'The session itself', description: 'as its next turn' },
  { purpose: 'team', label: 'Its team', description: 'waits in its inbox until it is dispatched' },
];

/** The usual one first. */
const PRIORITY_ITEMS: readonly (vscode.QuickPickItem & { readonly priority: Priority })[] = [
  { priority: 'normal', label: 'Normal' },
  { priority: 'high', label: 'High', description: 'before those that are normal' },
  { priority: 'critical', label: 'Critical', description: 'before all others' },
  { priority: 'low', label: 'Low', description: 'when nothing else waits' },
];
