import type * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../base/disposable';
import type { Logger } from '../base/log';
import type { SessionEvent } from '../domain/events';
import { labelOf } from '../domain/sessionView';
import { Transcript } from '../domain/transcript';
import type { SessionManager } from '../session/sessionManager';

/** A channel with what it takes to add each event exactly once. */
interface Output {
  readonly channel: vscode.OutputChannel;
  readonly transcript: Transcript;
  lastSeq: number;
  /** Events that came while the past was still being read; undefined afterwards. */
  waiting: SessionEvent[] | undefined;
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
        const output = this.outputs.get(sessionId);
        if (!output) return;
        if (output.waiting) output.waiting.push(...events);
        else write(output, events);
      }),
    );
  }

  /** Makes the session's channel, if it has none yet, with all that was said so far. */
  open(id: string): void {
    if (this.outputs.has(id)) return;
    const session = this.manager.resolve(id);
    const output: Output = {
      channel: this.vs.window.createOutputChannel(`Deputy ${id}: ${labelOf(session)}`),
      transcript: new Transcript(),
      lastSeq: 0,
      waiting: [],
    };
    this.outputs.set(id, output);
    this.fill(id, output).catch((error: unknown) =>
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

  private async fill(id: string, output: Output): Promise<void> {
    try {
      const past: SessionEvent[] = [];
      for await (const event of this.manager.events(id)) past.push(event);
      write(output, past);
    } finally {
      const waiting = output.waiting ?? [];
      output.waiting = undefined;
      write(output, waiting);
    }
  }
}

function write(output: Output, events: readonly SessionEvent[]): void {
  const fresh = events.filter((event) => event.seq > output.lastSeq);
  const last = fresh.at(-1);
  if (!last) return;
  output.lastSeq = last.seq;
  const text = output.transcript.append(fresh);
  if (text !== '') output.channel.append(text);
}
