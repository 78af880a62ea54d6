import type { JsonObject } from '../acp/json';
import { UpdateTranslator } from '../acp/updates';
import type { AgentEvent } from '../agentConnection';

/** What a command says of a tool call; what is undefined it does not say. */
export interface ToolNews {
  readonly id: string;
  readonly title?: string;
  readonly kind?: string;
  readonly status: 'pending' | 'in_progress' | 'completed' | 'failed';
  readonly paths?: readonly string[];
  readonly output?: string | undefined;
}

/** Turns whole messages, as commands print them, into the events that pieces of them become. */
export class Messages {
  private readonly translator: UpdateTranslator;
  private last: 'text' | 'thought' | undefined;

  /** @param cwd absolute folder that relative paths of the agent are taken to start from */
  constructor(cwd: string) {
    this.translator = new UpdateTranslator(cwd);
  }

  /** A whole message; an empty one says nothing. */
  say(type: 'text' | 'thought', text: string): AgentEvent[] {
    if (text.trim() === '') return [];
    // Pieces of one message follow each other without a gap; this is another message.
    const gap = this.last === type ? '\n\n' : '';
    this.last = type;
    const sessionUpdate = type === 'text' ? 'agent_message_chunk' : 'agent_thought_chunk';
    return this.translator.translate({ sessionUpdate, content: { text: gap + text } });
  }

  /** News of a tool call. */
  tool({ id, title, kind, status, paths, output }: ToolNews): AgentEvent[] {
    this.last = undefined;
    return this.translator.translateTool({
      toolCallId: id,
      title,
      kind,
      status,
      locations: (paths ?? []).map((path) => ({ path })),
      content: output === undefined ? [] : [{ content: { text: output } }],
    });
  }

  /** The agent's plan, as a whole. */
  plan(entries: readonly JsonObject[]): AgentEvent[] {
    this.last = undefined;
    return this.translator.translate({ sessionUpdate: 'plan', entries });
  }
}
