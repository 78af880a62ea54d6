import type { SessionEvent, StopIntent, ToolCall } from './events';

/**
 * Turns the events of one session into the text of its output channel. Keeps track of what was
 * written last, so that pieces of one message stay on one line and everything else begins on a new one.
 */
export class Transcript {
  private isAtLineStart = true;
  private flow: 'text' | 'thought' | undefined;
  private readonly tools = new Map<string, { title: string; status: string; printed: string }>();

  /** The text that the events add. */
  append(events: Iterable<SessionEvent>): string {
    let text = '';
    for (const event of events) {
      const piece = this.format(event);
      if (piece === '') continue;
      text += piece;
      this.isAtLineStart = piece.endsWith('\n');
    }
    return text;
  }

  private format(event: SessionEvent): string {
    switch (event.type) {
      case 'text':
        return this.flowing('text', '', event.text);
      case 'thought':
        return this.flowing('thought', '(thinks) ', event.text);
      case 'turn-started':
        return this.block(`\n> ${event.prompt.replaceAll('\n', '\n> ')}`) + '\n';
      case 'turn-ended':
        return this.block(describeTurnEnd(event.stopReason, event.error));
      case 'tool-call':
        return this.tool(event.toolCallId, event);
      case 'tool-update':
        return this.tool(event.toolCallId, event);
      case 'permission-requested':
        return this.block(
          `? ${event.title} [${event.options.map((option) => option.name).join(' / ')}]`,
        );
      case 'permission-answered':
        return this.block(event.optionId === undefined ? '? cancelled' : `? ${event.optionId}`);
      case 'plan':
        return this.block(
          event.entries
            .map((entry) => `  ${entry.status === 'completed' ? '[x]' : '[ ]'} ${entry.content}`)
            .join('\n'),
        );
      case 'stderr':
        return this.block(`! ${event.text}`);
      case 'usage-limit':
        return this.block(`! ${event.text}`);
      case 'agent-started':
        return this.block(`-- agent started (pid ${event.pid})`);
      case 'stop-requested':
        return this.block(`-- ${STOP_WORDS[event.intent]}`);
      case 'exit':
        return this.block(
          `-- ${event.reason}${event.detail === undefined ? '' : `: ${event.detail}`}`,
        );
      case 'runner-started':
      case 'conversation':
      case 'agent-ended':
      case 'mode':
      case 'cost':
        return '';
    }
  }

  private flowing(flow: 'text' | 'thought', lead: string, text: string): string {
    const isContinued = this.flow === flow;
    const start = isContinued ? '' : `${this.isAtLineStart ? '' : '\n'}${lead}`;
    this.flow = flow;
    return start + text;
  }

  private block(text: string): string {
    const isContinued = this.flow !== undefined && !this.isAtLineStart;
    this.flow = undefined;
    return text === '' ? '' : `${isContinued ? '\n' : ''}${text}\n`;
  }

  private tool(id: string, news: Partial<ToolCall>): string {
    const before = this.tools.get(id);
    const title = news.title ?? before?.title ?? id;
    const status = news.status ?? before?.status ?? 'pending';
    const isNews = before?.status !== status || before.title !== title;
    const isOver = status === 'completed' || status === 'failed';
    const added = addedLines(before?.printed ?? '', news.output ?? '', isOver);
    this.tools.set(id, { title, status, printed: (before?.printed ?? '') + added });
    const head = isNews ? this.block(`* ${title} (${status.replace('_', ' ')})`) : '';
    const output = added === '' ? '' : this.block(indent(added));
    // What a tool puts out before it has ended belongs above the line that says so.
    return isOver ? output + head : head + output;
  }
}

/**
 * The lines of an output, which is given as a whole each time, that were not printed yet. When its
 * beginning has been cut off meanwhile, nothing is added until the end.
 */
function addedLines(printed: string, output: string, isOver: boolean): string {
  if (output.startsWith(printed)) {
    const added = output.slice(printed.length);
    return isOver ? added : added.slice(0, added.lastIndexOf('\n') + 1);
  }
  return isOver ? output : '';
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

const STOP_WORDS: Readonly<Record<StopIntent, string>> = {
  finish: 'finishing',
  stop: 'stopping',
  'time-out': 'stopping: it took too long',
  sleep: 'going to sleep',
};

function describeTurnEnd(stopReason: string, error: string | undefined): string {
  if (error !== undefined) return `-- turn failed: ${error}`;
  return stopReason === 'end_turn' ? '-- turn ended' : `-- turn ended: ${stopReason}`;
}
