import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import type { Logger } from '../base/log';
import { labelOf } from '../domain/sessionView';
import type { SessionManager } from '../session/sessionManager';
import { OutputText } from './outputText';

interface Output {
  readonly channel: vscode.OutputChannel;
  readonly text: OutputText;
}

/** One output channel per session, made when the session starts or when it is first shown. */
export class OutputChannels implements Disposable {
  private readonly outputs = new Map<string, Output>();
  private readonly disposables = new DisposableStore();

  constructor(
    private readonly vs: typeof vscode,
    private readonly manager: SessionManager,
    private readonly log: Logger,
  ) {
    this.disposables.add(
      manager.onDidApply(({ sessionId, events }) => {
        this.outputs.get(sessionId)?.text.add(events);
      }),
    );
  }

  /** Makes the session's channel, if it has none yet, with all that was said so far. */
  open(id: string): void {
    if (this.outputs.has(id)) return;
    const session = this.manager.resolve(id);
    const channel = this.vs.window.createOutputChannel(`Deputy ${id}: ${labelOf(session)}`);
    const text = new OutputText((more) => channel.append(more));
    this.outputs.set(id, { channel, text });
    text
      .fill(this.manager.events(id))
      .catch((error: unknown) =>
        this.log.error(`session ${id}: its past output could not be read`, error),
      );
  }

  /** Brings the session's channel to the front. */
  show(id: string): void {
    this.open(id);
    this.outputs.get(id)?.channel.show(true);
  }

  /** Takes the channel of a session away that is there no more. */
  close(id: string): void {
    this.outputs.get(id)?.channel.dispose();
    this.outputs.delete(id);
  }

  dispose(): void {
    for (const { channel } of this.outputs.values()) channel.dispose();
    this.outputs.clear();
    this.disposables.dispose();
  }
}
