import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import type { Logger } from '../base/log';
import type { SessionEvent } from '../domain/events';
import { labelOf } from '../domain/sessionView';
import type { SessionManager } from '../session/sessionManager';
import { OutputText } from './outputText';
import { PacedText } from './pacedText';

/** About how much of a session's log is read for a channel that is opened late, in bytes. */
const PAST_BYTES = 2 * 1024 * 1024;

interface Output {
  readonly channel: vscode.OutputChannel;
  readonly text: OutputText;
  readonly paced: PacedText;
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

  /** Makes the session's channel, if it has none yet, with what was said so far, or the last of it. */
  open(id: string): void {
    if (this.outputs.has(id)) return;
    const session = this.manager.resolve(id);
    const channel = this.vs.window.createOutputChannel(`Deputy ${id}: ${labelOf(session)}`);
    const paced = new PacedText((more) => channel.append(more));
    const text = new OutputText((more) => paced.write(more));
    this.outputs.set(id, { channel, text, paced });
    text
      .fill(this.past(id, paced))
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
    const output = this.outputs.get(id);
    this.outputs.delete(id);
    output?.paced.dispose();
    output?.channel.dispose();
  }

  dispose(): void {
    for (const id of [...this.outputs.keys()]) this.close(id);
    this.disposables.dispose();
  }

  private async *past(id: string, paced: PacedText): AsyncGenerator<SessionEvent> {
    const { events, isCut } = await this.manager.latestEvents(id, PAST_BYTES);
    if (isCut) paced.write("… What came earlier is in the session's events file.\n");
    yield* events;
  }
}
