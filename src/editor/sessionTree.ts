import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import type { OverviewSource } from '../session/overview';
import { SessionNode } from './sessionNode';
import { SessionRows } from './sessionRows';

/** Id of the view in package.json. */
const VIEW_ID = 'deputy.sessions';

/**
 * Shortest time between two repaints, in milliseconds. VS Code itself waits until a view has been
 * quiet for 200 ms: news that comes faster would never be shown.
 */
const REPAINT_INTERVAL_MS = 250;

/** The Sessions view: the lineage, one row a session. Repaints only the rows that have changed. */
export class SessionTree implements vscode.TreeDataProvider<SessionNode>, Disposable {
  private readonly changed: vscode.EventEmitter<SessionNode | SessionNode[] | undefined>;
  readonly onDidChangeTreeData: vscode.Event<SessionNode | SessionNode[] | undefined>;
  readonly viewId = VIEW_ID;
  /** The view itself. */
  readonly view: vscode.TreeView<SessionNode>;

  private readonly disposables = new DisposableStore();
  private readonly nodes = new Map<string, SessionNode>();
  /** Rows that a person has collapsed; each begins expanded. */
  private readonly collapsed = new Set<string>();
  private source: OverviewSource | undefined;
  private subscription: Disposable | undefined;
  private rows: SessionRows | undefined;
  private stale = new Set<string>();
  private repaintTimer: NodeJS.Timeout | undefined;
  private repaintedAt = -Infinity;

  constructor(private readonly vs: typeof vscode) {
    this.changed = new vs.EventEmitter();
    this.onDidChangeTreeData = this.changed.event;
    this.view = vs.window.createTreeView(VIEW_ID, {
      treeDataProvider: this,
      showCollapseAll: true,
    });
    this.disposables.add(this.changed);
    this.disposables.add(this.view);
    this.disposables.add(
      this.view.onDidCollapseElement(({ element }) => this.setCollapsed(element, true)),
    );
    this.disposables.add(
      this.view.onDidExpandElement(({ element }) => this.setCollapsed(element, false)),
    );
  }

  /** Shows the sessions of a source, from now on; without one, none. */
  show(source: OverviewSource | undefined): void {
    this.subscription?.dispose();
    this.source = source;
    this.rows = source && new SessionRows(source.overview());
    this.subscription = source?.onDidChange((ids) => this.repaintSoon(ids));
    this.changed.fire(undefined);
    this.paintBadge();
  }

  /** Selects a session's row, without taking the focus. */
  async reveal(id: string): Promise<void> {
    this.repaint();
    if (this.view.visible) await this.view.reveal(this.node(id), { select: true, focus: false });
  }

  getTreeItem(node: SessionNode): vscode.TreeItem {
    const { vs, rows } = this;
    const view = rows?.view(node.id, this.isCollapsed(node.id));
    if (!rows || !view) return new vs.TreeItem(node.id);
    const item = new vs.TreeItem(view.label, this.collapsibleState(rows, node.id));
    item.id = node.id;
    item.description = view.description;
    item.contextValue = view.contextValue;
    item.tooltip = new vs.MarkdownString(view.tooltip);
    item.accessibilityInformation = { label: view.accessibleLabel };
    item.iconPath = new vs.ThemeIcon(
      view.icon,
      view.iconColor === undefined ? undefined : new vs.ThemeColor(view.iconColor),
    );
    // Nothing is left of a deleted session that could be shown.
    if (rows.overview.sessions.has(node.id)) {
      item.command = { command: 'deputy.showOutput', title: 'Show Output', arguments: [node] };
    }
    return item;
  }

  getChildren(node?: SessionNode): SessionNode[] {
    const ids = node ? this.rows?.childrenOf(node.id) : this.rows?.overview.forest.roots;
    return (ids ?? []).map((id) => this.node(id));
  }

  getParent(node: SessionNode): SessionNode | undefined {
    const parent = this.rows?.overview.forest.parents.get(node.id);
    return parent === undefined ? undefined : this.node(parent);
  }

  dispose(): void {
    clearTimeout(this.repaintTimer);
    this.subscription?.dispose();
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

  private isCollapsed(id: string): boolean {
    return this.collapsed.has(id);
  }

  private collapsibleState(rows: SessionRows, id: string): vscode.TreeItemCollapsibleState {
    const { TreeItemCollapsibleState: state } = this.vs;
    if (rows.childrenOf(id).length === 0) return state.None;
    return this.isCollapsed(id) ? state.Collapsed : state.Expanded;
  }

  private setCollapsed(node: SessionNode, isCollapsed: boolean): void {
    const { id } = node;
    if (isCollapsed === this.isCollapsed(id)) return;
    const before = this.lookOf(this.rows, id);
    if (isCollapsed) this.collapsed.add(id);
    else this.collapsed.delete(id);
    if (before !== this.lookOf(this.rows, id)) this.changed.fire([node]);
  }

  private repaintSoon(ids: readonly string[]): void {
    for (const id of ids) this.stale.add(id);
    if (this.repaintTimer) return;
    const sinceLast = performance.now() - this.repaintedAt;
    const waitMs = Math.max(0, REPAINT_INTERVAL_MS - sinceLast);
    this.repaintTimer = setTimeout(() => this.repaint(), waitMs);
  }

  private repaint(): void {
    clearTimeout(this.repaintTimer);
    this.repaintTimer = undefined;
    if (!this.source || this.stale.size === 0) return;
    this.repaintedAt = performance.now();
    const before = this.rows;
    const now = new SessionRows(this.source.overview());
    this.rows = now;
    const stale = [...this.stale];
    this.stale = new Set();
    if (!before || !stale.every((id) => now.hasSamePlace(before, id))) {
      this.forgetGone(now, stale);
      this.changed.fire(undefined);
    } else {
      const ids = now.withCollapsedAbove(stale, (id) => this.isCollapsed(id));
      const changed = [...ids].filter((id) => this.lookOf(before, id) !== this.lookOf(now, id));
      if (changed.length > 0) this.changed.fire(changed.map((id) => this.node(id)));
    }
    this.paintBadge();
  }

  private forgetGone(now: SessionRows, stale: readonly string[]): void {
    for (const id of stale) {
      if (now.has(id)) continue;
      this.nodes.delete(id);
      this.collapsed.delete(id);
    }
  }

  /** Most writes change nothing that a row shows. */
  private lookOf(rows: SessionRows | undefined, id: string): string | undefined {
    return JSON.stringify(rows?.view(id, this.isCollapsed(id)));
  }

  private paintBadge(): void {
    this.view.badge = this.rows?.badge();
  }
}
