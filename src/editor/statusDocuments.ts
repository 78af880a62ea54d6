import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import { messageOf } from '../base/errors';
import { formatSessionStatus } from '../domain/status';
import type { SessionManager } from '../session/sessionManager';

/** Scheme of the read-only documents that Deputy makes. */
const SCHEME = 'deputy';

/** The status of a session as a read-only document that follows the session. */
export class StatusDocuments implements vscode.TextDocumentContentProvider, Disposable {
  private readonly changed: vscode.EventEmitter<vscode.Uri>;
  readonly onDidChange: vscode.Event<vscode.Uri>;
  private readonly disposables = new DisposableStore();

  constructor(
    private readonly vs: typeof vscode,
    private readonly manager: SessionManager,
  ) {
    this.changed = new vs.EventEmitter();
    this.onDidChange = this.changed.event;
    this.disposables.add(this.changed);
    this.disposables.add(vs.workspace.registerTextDocumentContentProvider(SCHEME, this));
    this.disposables.add(
      manager.onDidChange((ids) => {
        for (const id of ids) this.changed.fire(this.uri(id));
      }),
    );
  }

  /** Opens the document in an editor. */
  async show(id: string): Promise<void> {
    const document = await this.vs.workspace.openTextDocument(this.uri(id));
    await this.vs.window.showTextDocument(document, { preview: true });
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    try {
      return formatSessionStatus(this.manager.status(uri.query));
    } catch (error) {
      return messageOf(error);
    }
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private uri(id: string): vscode.Uri {
    return this.vs.Uri.from({ scheme: SCHEME, path: `/Session ${id}`, query: id });
  }
}
