import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import type { AttentionItem, StateStore } from '../session/ports';

/** How long news is collected before it is told, in milliseconds: a team that ends brings a burst. */
const COLLECT_MS = 250;

/**
 * Tells a person, once, when work has failed or nobody is left to do it. What was there before this
 * window had the state was told by the one before.
 */
export class AttentionToasts implements Disposable {
  private readonly disposables = new DisposableStore();
  private timer: NodeJS.Timeout | undefined;
  private toldId: number;

  constructor(
    private readonly vs: typeof vscode,
    private readonly store: StateStore,
  ) {
    this.toldId = Math.max(0, ...store.attention.open().map(({ id }) => id));
    this.disposables.add(
      store.onDidChange(() => {
        this.timer ??= setTimeout(() => this.look(), COLLECT_MS);
      }),
    );
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.dispose();
  }

  private look(): void {
    this.timer = undefined;
    const news = this.store.attention.open().filter(({ id }) => id > this.toldId);
    if (news.length === 0) return;
    this.toldId = Math.max(...news.map(({ id }) => id));
    void this.tell(news);
  }

  private async tell(news: readonly AttentionItem[]): Promise<void> {
    const { window, commands } = this.vs;
    const isStranded = news.some(({ kind }) => kind === 'handoff-stranded');
    const [first] = news;
    const text =
      news.length === 1 && first
        ? first.text
        : `${news.length} handoffs need you: ${news.map((item) => item.text).join(' ')}`;
    const action = isStranded ? 'Rescue…' : 'Show Output';
    if ((await window.showWarningMessage(text, action)) !== action) return;
    if (isStranded) await commands.executeCommand('deputy.rescueWork');
    // A session that was deleted meanwhile has none: the command says so.
    else await commands.executeCommand('deputy.showOutput', first?.sessionId);
  }
}
