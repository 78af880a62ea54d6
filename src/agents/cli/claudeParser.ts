import type { StopReason } from '../../domain/events';
import { epochMs } from '../../domain/resetTime';
import { numberOf, objectOf, objectsOf, oneOf, textOf, type JsonObject } from '../acp/json';
import { modeEvent } from '../acp/updates';
import type { AgentEvent, TurnResult } from '../agentConnection';
import { describeTool } from './claudeTools';
import { JsonLines, noise } from './jsonLines';
import { Messages } from './messages';
import type { CliParser } from './parser';

/**
 * From this version on, `total_cost_usd` of a resumed conversation counts on from where an earlier
 * process of it had ended; before, each process counted from nothing. Both were seen.
 */
const COUNTS_ON_SINCE = [2, 1, 277] as const;

/**
 * Reads `claude -p --output-format stream-json --verbose`: an object a line, of the types `system`,
 * `assistant`, `user`, `rate_limit_event` and `result`.
 * @see https://code.claude.com/docs/en/headless
 */
export class ClaudeParser implements CliParser {
  conversationId: string | undefined;
  folder: string | undefined;
  result: TurnResult | undefined;
  private readonly lines = new JsonLines((object) => this.read(object));
  private readonly messages: Messages;
  /** Calls that are shown as a plan instead. */
  private readonly planCalls = new Set<string>();
  private version: string | undefined;
  private rejectedUntil: number | undefined;

  /** @param cwd absolute folder that the agent works in */
  constructor(private readonly cwd: string) {
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
      case 'system':
        return object['subtype'] === 'init' ? this.readInit(object) : [];
      case 'assistant':
        return this.readAssistant(object);
      case 'user':
        return this.readToolResults(object);
      case 'rate_limit_event':
        this.readRateLimit(objectOf(object['rate_limit_info']));
        return [];
      case 'result':
        return this.readResult(object);
      default:
        return [];
    }
  }

  private readInit(init: JsonObject): AgentEvent[] {
    this.conversationId = textOf(init['session_id']) ?? this.conversationId;
    this.folder = textOf(init['cwd']) ?? this.folder;
    this.version = textOf(init['claude_code_version']);
    return modeEvent(init['permissionMode']);
  }

  private readAssistant(message: JsonObject): AgentEvent[] {
    // What a subagent says is not said to the person.
    const isSubagent = textOf(message['parent_tool_use_id']) !== undefined;
    return objectsOf(objectOf(message['message'])['content']).flatMap((block) => {
      switch (block['type']) {
        case 'text':
          return this.messages.say(isSubagent ? 'thought' : 'text', textOf(block['text']) ?? '');
        case 'thinking':
          return this.messages.say('thought', textOf(block['thinking']) ?? '');
        case 'tool_use':
          return this.readToolUse(block);
        default:
          return [];
      }
    });
  }

  private readToolUse(block: JsonObject): AgentEvent[] {
    const id = textOf(block['id']);
    if (id === undefined) return [];
    const name = textOf(block['name']) ?? 'Tool call';
    const input = objectOf(block['input']);
    if (name === 'TodoWrite') {
      this.planCalls.add(id);
      return this.messages.plan(objectsOf(input['todos']));
    }
    const tool = describeTool(name, input, this.cwd);
    return this.messages.tool({ id, status: 'in_progress', ...tool });
  }

  private readToolResults(message: JsonObject): AgentEvent[] {
    return objectsOf(objectOf(message['message'])['content']).flatMap((block) => {
      const id = textOf(block['tool_use_id']);
      if (block['type'] !== 'tool_result' || id === undefined || this.planCalls.has(id)) return [];
      const status = block['is_error'] === true ? 'failed' : 'completed';
      return this.messages.tool({ id, status, output: outputOf(block['content']) });
    });
  }

  private readRateLimit(info: JsonObject): void {
    if (info['status'] !== 'rejected') return;
    const resetsAt = numberOf(info['resetsAt']);
    this.rejectedUntil = resetsAt === undefined ? undefined : epochMs(resetsAt);
  }

  private readResult(result: JsonObject): AgentEvent[] {
    const { stopReason, error } = readEnd(result);
    const denied = objectsOf(result['permission_denials']).map((it) => textOf(it['tool_name']));
    const names = [...new Set(denied.filter((name) => name !== undefined))].join(', ');
    this.result = { stopReason, error, ...this.readUsage(result) };
    return [
      ...(names === '' ? [] : [noise(`Not allowed, as there is nobody to ask: ${names}.`)]),
      ...this.limitEvents(result, error),
    ];
  }

  /** A request may be rejected and another account stand in: only the end says that it did not. */
  private limitEvents(result: JsonObject, error: string | undefined): AgentEvent[] {
    const isLimit =
      result['api_error'] === 'usage_limit_reached' || this.rejectedUntil !== undefined;
    if (error === undefined || !isLimit) return [];
    return [{ type: 'usage-limit', resetsAt: this.rejectedUntil, text: error }];
  }

  private readUsage(result: JsonObject): Pick<TurnResult, 'tokens' | 'costUsd' | 'totals'> {
    const tokens = countTokens(objectOf(result['usage']));
    const cost = numberOf(result['total_cost_usd']);
    // One that could not even begin has not looked up what was used before.
    return cost !== undefined && cost > 0 && isAtLeast(this.version, COUNTS_ON_SINCE)
      ? { tokens, totals: { tokens: undefined, costUsd: cost } }
      : { tokens, costUsd: cost };
  }
}

const STOP_REASONS: readonly StopReason[] = ['max_tokens', 'refusal'];

function readEnd(result: JsonObject): Pick<TurnResult, 'stopReason' | 'error'> {
  if (result['subtype'] === 'error_max_turns') {
    return { stopReason: 'max_turn_requests', error: undefined };
  }
  const isError = result['is_error'] === true || textOf(result['subtype'])?.startsWith('error');
  if (isError !== true) {
    const stopReason = oneOf(result['stop_reason'], STOP_REASONS) ?? 'end_turn';
    return { stopReason, error: undefined };
  }
  const list: unknown[] = Array.isArray(result['errors']) ? result['errors'] : [];
  const errors = list.map((it) => textOf(it) ?? JSON.stringify(it)).join(' ');
  const why = textOf(result['result']) ?? textOf(errors) ?? textOf(result['subtype']);
  return { stopReason: 'error', error: why ?? 'The agent ended its turn with an error.' };
}

/** Cached ones count as well, as they do over ACP; undefined when nothing is said. */
function countTokens(usage: JsonObject): number | undefined {
  const counts = [
    'input_tokens',
    'cache_creation_input_tokens',
    'cache_read_input_tokens',
    'output_tokens',
  ]
    .map((name) => numberOf(usage[name]))
    .filter((count) => count !== undefined);
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

/** A tool's output: a text, or blocks of which some are texts. */
function outputOf(content: unknown): string | undefined {
  const blocks = objectsOf(content).map((block) => textOf(block['text']) ?? '');
  return textOf(content) ?? textOf(blocks.filter((text) => text !== '').join('\n'));
}

/** False for a version that cannot be read: such a cost counts for its turn alone. */
function isAtLeast(version: string | undefined, bound: readonly number[]): boolean {
  const parts = /^(\d+)\.(\d+)\.(\d+)/
    .exec(version ?? '')
    ?.slice(1)
    .map(Number);
  if (!parts) return false;
  for (const [index, least] of bound.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
