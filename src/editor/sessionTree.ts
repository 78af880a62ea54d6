import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import { viewSession, type SessionView } from '../domain/sessionView';
import type { Overview, OverviewSource } from '../session/overview';
import { SessionNode } from './sessionNode';

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
  private source: OverviewSource | undefined;
  private subscription: Disposable | undefined;
  private overview: Overview | undefined;
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
  }

  /** Shows the sessions of a source, from now on; without one, none. */
  show(source: OverviewSource | undefined): void {
    this.subscription?.dispose();
    this.source = source;
    this.overview = source?.overview();
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
    const { vs, overview } = this;
    const view = overview && viewOf(overview, node.id);
    if (!view) return new vs.TreeItem(node.id);
    const childCount = overview.forest.children.get(node.id)?.length ?? 0;
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
    const before = this.overview;
    this.overview = this.source.overview();
    const stale = [...this.stale];
    this.stale = new Set();
    if (!stale.every((id) => hasSamePlace(before, this.overview, id))) {
      this.changed.fire(undefined);
    } else {
      const changed = stale.filter((id) => lookOf(before, id) !== lookOf(this.overview, id));
      if (changed.length > 0) this.changed.fire(changed.map((id) => this.node(id)));
    }
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

/** How a session looks; undefined when it is not there. */
function viewOf(overview: Overview, id: string): SessionView | undefined {
  const { sessions, handoffs, unread, forest } = overview;
  const session = sessions.get(id);
  const counts = {
    handoffs: handoffs.get(id) ?? 0,
    handoffsBelow: 0,
    unread: unread.get(id) ?? 0,
  };
  return session && viewSession(session, counts, forest.children.get(id)?.length ?? 0);
}

/** Most writes change nothing that a row shows. */
function lookOf(overview: Overview | undefined, id: string): string | undefined {
  return overview && JSON.stringify(viewOf(overview, id));
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
