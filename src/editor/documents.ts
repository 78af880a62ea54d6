import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import { messageOf } from '../base/errors';
import type { Event } from '../base/event';

/** Scheme of the read-only documents that Deputy makes. */
const SCHEME = 'deputy';

/** Shortest time between two updates of the open documents, in milliseconds. */
const UPDATE_INTERVAL_MS = 250;

/** A kind of document whose text is made from the state whenever that changes. */
export interface DocumentKind {
  /** What its tab shows. @param key tells the documents of one kind apart */
  readonly title: (key: string) => string;
  readonly text: (key: string) => string;
}

/** Texts in read-only editors: what the state says, followed as it changes, and reports, which stay. */
export class Documents<Kind extends string>
  implements vscode.TextDocumentContentProvider, Disposable
{
  private readonly changed: vscode.EventEmitter<vscode.Uri>;
  readonly onDidChange: vscode.Event<vscode.Uri>;
  private readonly disposables = new DisposableStore();
  private readonly reports = new Map<string, string>();
  private reportCount = 0;
  private timer: NodeJS.Timeout | undefined;
  private updatedAt = -Infinity;

  constructor(
    private readonly vs: typeof vscode,
    onDidChangeState: Event<unknown>,
    private readonly kinds: Readonly<Record<Kind, DocumentKind>>,
  ) {
    this.changed = new vs.EventEmitter();
    this.onDidChange = this.changed.event;
    this.disposables.add(this.changed);
    this.disposables.add(vs.workspace.registerTextDocumentContentProvider(SCHEME, this));
    this.disposables.add(onDidChangeState(() => this.updateSoon()));
    this.disposables.add(
      vs.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === SCHEME) this.reports.delete(uri.query);
      }),
    );
  }

  /** Opens a document that follows the state. */
  async show(kind: Kind, key: string): Promise<void> {
    const query = `${kind}:${key}`;
    await this.open(
      this.vs.Uri.from({ scheme: SCHEME, path: `/${this.kinds[kind].title(key)}`, query }),
    );
  }

  /** Opens a text that stays as it is. */
  async showReport(title: string, text: string): Promise<void> {
    this.reportCount += 1;
    const query = `report:${this.reportCount}`;
    this.reports.set(query, text);
    await this.open(this.vs.Uri.from({ scheme: SCHEME, path: `/${title}`, query }));
  }

  provideTextDocumentContent({ query }: vscode.Uri): string {
    const report = this.reports.get(query);
    if (report !== undefined) return report;
    const colon = query.indexOf(':');
    const kind = (Object.keys(this.kinds) as Kind[]).find((it) => it === query.slice(0, colon));
    try {
      // A window that is opened again asks for documents of the last one.
      if (!kind) return 'This report is gone. Run its command again.\n';
      return this.kinds[kind].text(query.slice(colon + 1));
    } catch (error) {
      return messageOf(error);
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.dispose();
  }

  private async open(uri: vscode.Uri): Promise<void> {
    const document = await this.vs.workspace.openTextDocument(uri);
    await this.vs.window.showTextDocument(document, { preview: true });
  }

  private updateSoon(): void {
    if (this.timer) return;
    const waitMs = Math.max(0, UPDATE_INTERVAL_MS - (performance.now() - this.updatedAt));
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.updatedAt = performance.now();
      for (const { uri } of this.vs.workspace.textDocuments) {
        if (uri.scheme === SCHEME && !this.reports.has(uri.query)) this.changed.fire(uri);
      }
    }, waitMs);
  }
}
