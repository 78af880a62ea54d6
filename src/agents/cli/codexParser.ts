import { numberOf, objectOf, objectsOf, textOf, type JsonObject } from '../acp/json';
import type { AgentEvent, TurnResult } from '../agentConnection';
import { JsonLines, noise } from './jsonLines';
import { Messages, type ToolNews } from './messages';
import type { CliParser } from './parser';

/**
 * Reads `codex exec --json`: an object a line, of the types `thread.started`, `turn.*`, `item.*` and
 * `error`. Its token counts are those of the whole conversation, also when it was resumed.
 * @see https://github.com/openai/codex/blob/main/codex-rs/exec/src/exec_events.rs
 */
export class CodexParser implements CliParser {
  conversationId: string | undefined;
  /** It does not say. */
  readonly folder = undefined;
  result: TurnResult | undefined;
  private readonly lines = new JsonLines((object) => this.read(object));
  private readonly messages: Messages;

  /**
   * @param cwd absolute folder that the agent works in
   * @param idPrefix its ids count from 0 in each process
   */
  constructor(
    cwd: string,
    private readonly idPrefix: string,
  ) {
    this.messages = new Messages(cwd);
  }

  push(chunk: Buffer): AgentEvent[] {
    return this.lines.push(chunk);
  }

  end(): AgentEvent[] {
    return this.lines.end();
  }

  private read(object: JsonObject): AgentEvent[] {
    switch (object['type']) {
      case 'thread.started':
        this.conversationId = textOf(object['thread_id']) ?? this.conversationId;
        return [];
      case 'item.started':
      case 'item.updated':
        return this.readItem(objectOf(object['item']), false);
      case 'item.completed':
        return this.readItem(objectOf(object['item']), true);
      case 'turn.completed':
        this.result = {
          stopReason: 'end_turn',
          error: undefined,
          tokens: undefined,
          totals: { tokens: countTokens(objectOf(object['usage'])), costUsd: undefined },
        };
        return [];
      case 'turn.failed':
        this.fail(textOf(objectOf(object['error'])['message']));
        return [];
      case 'error':
        // It also tells that it tries again; what a turn came to is told by its end.
        return lineOf(object['message']);
      default:
        return [];
    }
  }

  private fail(message: string | undefined): void {
    const error = message ?? 'The agent ended its turn with an error.';
    this.result = { stopReason: 'error', error, tokens: undefined };
  }

  private readItem(item: JsonObject, isOver: boolean): AgentEvent[] {
    // Its first releases named the type otherwise.
    switch (item['type'] ?? item['item_type']) {
      case 'agent_message':
      case 'assistant_message':
        return isOver ? this.messages.say('text', textOf(item['text']) ?? '') : [];
      case 'reasoning':
        return isOver ? this.messages.say('thought', textOf(item['text']) ?? '') : [];
      case 'todo_list':
        return this.messages.plan(
          objectsOf(item['items']).map((step) => ({
            content: step['text'],
            status: step['completed'] === true ? 'completed' : 'pending',
          })),
        );
      case 'error':
        return isOver ? lineOf(item['message']) : [];
      default:
        return this.readTool(item, isOver);
    }
  }

  private readTool(item: JsonObject, isOver: boolean): AgentEvent[] {
    const id = textOf(item['id']);
    const tool = describeItem(item);
    if (id === undefined || !tool) return [];
    const status = !isOver ? 'in_progress' : hasFailed(item) ? 'failed' : 'completed';
    return this.messages.tool({ id: `${this.idPrefix}${id}`, status, ...tool });
  }
}

function describeItem(item: JsonObject): Omit<ToolNews, 'id' | 'status'> | undefined {
  switch (item['type'] ?? item['item_type']) {
    case 'command_execution': {
      const output = textOf(item['aggregated_output']);
      return { title: textOf(item['command']) ?? 'Run a command', kind: 'execute', output };
    }
    case 'file_change': {
      const changes = objectsOf(item['changes']);
      const paths = changes.map((it) => textOf(it['path'])).filter((it) => it !== undefined);
      const isRemoval = changes.length > 0 && changes.every((it) => it['kind'] === 'delete');
      const title = `${isRemoval ? 'Delete' : 'Change'} ${paths.join(', ')}`;
      return { title, kind: isRemoval ? 'delete' : 'edit', paths };
    }
    case 'mcp_tool_call': {
      const names = [textOf(item['server']), textOf(item['tool'])];
      const title = names.filter((it) => it !== undefined).join('.') || 'Tool call';
      return { title, kind: 'other', output: mcpOutput(item) };
    }
    case 'collab_tool_call':
      return { title: textOf(item['tool']) ?? 'Another agent', kind: 'think' };
    case 'web_search':
      return { title: `Search ${textOf(item['query']) ?? 'the web'}`, kind: 'search' };
    default:
      return undefined;
  }
}

/** An abandoned command is reported as completed, without an exit code; that is left as it is. */
function hasFailed(item: JsonObject): boolean {
  const code = numberOf(item['exit_code']);
  const { status } = item as { readonly status?: unknown };
  return status === 'failed' || status === 'declined' || (code !== undefined && code !== 0);
}

function mcpOutput(item: JsonObject): string | undefined {
  const texts = objectsOf(objectOf(item['result'])['content']).map((it) => textOf(it['text']));
  const output = texts.filter((it) => it !== undefined).join('\n');
  return textOf(objectOf(item['error'])['message']) ?? textOf(output);
}

/** Cached input is part of the input, reasoning part of the output. */
function countTokens(usage: JsonObject): number | undefined {
  const [input, output] = [numberOf(usage['input_tokens']), numberOf(usage['output_tokens'])];
  return input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0);
}

function lineOf(message: unknown): AgentEvent[] {
  const text = textOf(message);
  return text === undefined ? [] : [noise(text)];
}
