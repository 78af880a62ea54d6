import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { InternalApi } from '../../src/extension';
import type { SessionNode } from '../../src/editor/sessionNode';

/** The development extension, activated and with its state open. */
export async function openDeputy(): Promise<InternalApi> {
  const extension = vscode.extensions.getExtension<InternalApi>('deputy.deputy');
  assert.ok(extension, 'the development extension was not loaded');
  const api = await extension.activate();
  await api.workbench();
  return api;
}

/** What a row of the Sessions view shows. */
export interface Row {
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  readonly contextValue: string;
}

/** The rows that the view hands to VS Code, by session, with all that they have shown so far. */
export class RowWatcher {
  private readonly seen = new Map<string, Row[]>();
  private readonly subscription: vscode.Disposable;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly api: InternalApi) {
    this.subscription = api.tree.onDidChangeTreeData((changed) => {
      const nodes = changed === undefined ? this.all() : [changed].flat();
      for (const node of nodes) this.note(node);
      for (const look of [...this.waiting]) look();
    });
  }

  /** The different rows of a session, in the order in which they were shown. */
  history(id: string): readonly Row[] {
    return this.seen.get(id) ?? [];
  }

  /** Waits until the session's row fits. */
  until(id: string, fits: (row: Row) => boolean): Promise<Row> {
    return new Promise((resolve) => {
      const look = (): void => {
        const row = this.history(id).at(-1);
        if (!row || !fits(row)) return;
        this.waiting.delete(look);
        resolve(row);
      };
      this.waiting.add(look);
      look();
    });
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private all(parent?: SessionNode): SessionNode[] {
    return this.api.tree.getChildren(parent).flatMap((node) => [node, ...this.all(node)]);
  }

  private note(node: SessionNode): void {
    const row = readRow(this.api.tree.getTreeItem(node));
    const rows = this.seen.get(node.id) ?? [];
    this.seen.set(node.id, rows);
    if (JSON.stringify(rows.at(-1)) !== JSON.stringify(row)) rows.push(row);
  }
}

function readRow(item: vscode.TreeItem): Row {
  assert.ok(item.iconPath instanceof vscode.ThemeIcon);
  return {
    label: typeof item.label === 'string' ? item.label : (item.label?.label ?? ''),
    description: String(item.description),
    icon: item.iconPath.id,
    contextValue: item.contextValue ?? '',
  };
}

/** Waits until an output channel that was shown holds text that fits; gives all of its text. */
export function outputWith(pattern: RegExp): Promise<string> {
  return new Promise((resolve) => {
    const subscriptions: vscode.Disposable[] = [];
    const look = (): void => {
      const found = vscode.workspace.textDocuments
        .filter((document) => document.uri.scheme === 'output')
        .map((document) => document.getText())
        .find((content) => pattern.test(content));
      if (found === undefined) return;
      for (const subscription of subscriptions) subscription.dispose();
      resolve(found);
    };
    subscriptions.push(
      vscode.workspace.onDidOpenTextDocument(look),
      vscode.workspace.onDidChangeTextDocument(look),
    );
    look();
  });
}
