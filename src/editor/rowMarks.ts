import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import type { RowMark } from '../domain/sessionView';
import type { SessionNode } from './sessionNode';

/** A scheme of our own: git greys rows out whose path is one that it ignores. */
const SCHEME = 'deputy-session';

/** The tree, as far as its marks need it. */
export interface MarkedTree {
  readonly onDidChangeTreeData: vscode.Event<SessionNode | SessionNode[] | undefined>;
  markOf(id: string): RowMark | undefined;
}

/** The address that a row's mark is found by. */
export function rowUri(vs: typeof vscode, id: string): vscode.Uri {
  return vs.Uri.from({ scheme: SCHEME, path: `/${encodeURIComponent(id)}` });
}

/** Marks at the end of rows: unlike a description, they are not cut off by a long label. */
export class RowMarks implements vscode.FileDecorationProvider, Disposable {
  private readonly changed: vscode.EventEmitter<vscode.Uri[] | undefined>;
  readonly onDidChangeFileDecorations: vscode.Event<vscode.Uri[] | undefined>;
  private readonly disposables = new DisposableStore();

  constructor(
    private readonly vs: typeof vscode,
    private readonly tree: MarkedTree,
  ) {
    this.changed = new vs.EventEmitter();
    this.onDidChangeFileDecorations = this.changed.event;
    this.disposables.add(this.changed);
    this.disposables.add(
      tree.onDidChangeTreeData((changed) =>
        this.changed.fire(changed && [changed].flat().map(({ id }) => rowUri(vs, id))),
      ),
    );
    this.disposables.add(vs.window.registerFileDecorationProvider(this));
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    const mark =
      uri.scheme === SCHEME ? this.tree.markOf(decodeURIComponent(uri.path.slice(1))) : undefined;
    if (!mark) return undefined;
    const color = mark.isUrgent ? new this.vs.ThemeColor('list.warningForeground') : undefined;
    return new this.vs.FileDecoration(mark.text, mark.tooltip, color);
  }

  dispose(): void {
    this.disposables.dispose();
  }
}
