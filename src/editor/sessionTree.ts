import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import { viewSession } from '../domain/sessionView';
import type { Overview, SessionManager } from '../session/sessionManager';
import { SessionNode } from './sessionNode';

/** Id of the view in package.json. */
const VIEW_ID = 'deputy.sessions';

/** The Sessions view: the lineage, one row a session. Repaints only the rows that have changed. */
export class SessionTree implements vscode.TreeDataProvider<SessionNode>, Disposable {
  private readonly changed: vscode.EventEmitter<SessionNode | SessionNode[] | undefined>;
  readonly onDidChangeTreeData: vscode.Event<SessionNode | SessionNode[] | undefined>;
  readonly viewId = VIEW_ID;
  /** The view itself. */
  readonly view: vscode.TreeView<SessionNode>;

  private readonly disposables = new DisposableStore();
  private readonly nodes = new Map<string, SessionNode>();
  private manager: SessionManager | undefined;
  private overview: Overview | undefined;
  private stale = new Set<string>();
  private isRepaintDue = false;

  constructor(private readonly vs: typeof vscode) {
    this.changed = new vs.EventEmitter();
    this.onDidChangeTreeData = this.changed.event;
    this.view = vs.window.createTreeView(VIEW_ID, {
      treeDataProvider: this,
      showCollapseAll: true,
    });
    this.disposables.add(this.changed);
    this.disposables.add(this.view);
  }

  /** Shows the sessions of a manager, from now on. */
  show(manager: SessionManager): void {
    this.manager = manager;
    this.overview = manager.overview();
    this.disposables.add(manager.onDidChange((ids) => this.repaintSoon(ids)));
    this.changed.fire(undefined);
    this.paintBadge();
  }

  /** Selects a session's row, without taking the focus. */
  async reveal(id: string): Promise<void> {
    this.repaint();
    if (this.view.visible) await this.view.reveal(this.node(id), { select: true, focus: false });
  }

  getTreeItem(node: SessionNode): vscode.TreeItem {
    const { vs, overview } = this;
    const session = overview?.sessions.get(node.id);
    if (!session) return new vs.TreeItem(node.id);
    const childCount = overview?.forest.children.get(node.id)?.length ?? 0;
    const view = viewSession(session, overview?.unread.get(node.id) ?? 0, childCount);
    const item = new vs.TreeItem(
      view.label,
      childCount === 0 ? vs.TreeItemCollapsibleState.None : vs.TreeItemCollapsibleState.Expanded,
    );
    item.id = node.id;
    item.description = view.description;
    item.contextValue = view.contextValue;
    item.tooltip = new vs.MarkdownString(view.tooltip);
    item.accessibilityInformation = { label: view.accessibleLabel };
    item.iconPath = new vs.ThemeIcon(
      view.icon,
      view.iconColor === undefined ? undefined : new vs.ThemeColor(view.iconColor),
    );
    item.command = { command: 'deputy.showOutput', title: 'Show Output', arguments: [node] };
    return item;
  }

  getChildren(node?: SessionNode): SessionNode[] {
    const forest = this.overview?.forest;
    const ids = node ? forest?.children.get(node.id) : forest?.roots;
    return (ids ?? []).map((id) => this.node(id));
  }

  getParent(node: SessionNode): SessionNode | undefined {
    const parent = this.overview?.forest.parents.get(node.id);
    return parent === undefined ? undefined : this.node(parent);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private node(id: string): SessionNode {
    let node = this.nodes.get(id);
    if (!node) {
      node = new SessionNode(id);
      this.nodes.set(id, node);
    }
    return node;
  }

  private repaintSoon(ids: readonly string[]): void {
    for (const id of ids) this.stale.add(id);
    if (this.isRepaintDue) return;
    this.isRepaintDue = true;
    setImmediate(() => this.repaint());
  }

  private repaint(): void {
    this.isRepaintDue = false;
    if (!this.manager || this.stale.size === 0) return;
    const before = this.overview;
    this.overview = this.manager.overview();
    const stale = this.stale;
    this.stale = new Set();
    const isSameShape = [...stale].every((id) => hasSamePlace(before, this.overview, id));
    this.changed.fire(isSameShape ? [...stale].map((id) => this.node(id)) : undefined);
    this.paintBadge();
  }

  private paintBadge(): void {
    const sessions = [...(this.overview?.sessions.values() ?? [])];
    const waiting = sessions.filter((session) => session.requests.length > 0).length;
    this.view.badge =
      waiting === 0
        ? undefined
        : {
            value: waiting,
            tooltip: `${waiting} ${waiting === 1 ? 'agent waits' : 'agents wait'} for your answer`,
          };
  }
}

function hasSamePlace(
  before: Overview | undefined,
  now: Overview | undefined,
  id: string,
): boolean {
  return (
    before !== undefined &&
    now !== undefined &&
    before.sessions.has(id) === now.sessions.has(id) &&
    before.forest.parents.get(id) === now.forest.parents.get(id) &&
    sameList(before.forest.children.get(id), now.forest.children.get(id))
  );
}

function sameList(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((id, i) => b[i] === id);
}
