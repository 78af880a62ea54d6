import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ToolCall, ToolStatus } from '../../domain/events';
import type { AgentEvent } from '../agentConnection';
import {
  cut,
  isObject,
  sliceWhole,
  numberOf,
  objectOf,
  objectsOf,
  oneOf,
  textOf,
  type JsonObject,
} from './json';

const TOOL_STATUSES: readonly ToolStatus[] = ['pending', 'in_progress', 'completed', 'failed'];

/** Most that is kept of what a person reads at a glance, in UTF-16 units. */
const MAX_OUTPUT_CHARS = 4_000;
const MAX_TITLE_CHARS = 1_000;

/** Tool calls whose state is remembered; of older ones only that they were reported. */
const MAX_REMEMBERED_TOOLS = 1_000;

/** Of still older ones nothing is remembered: news of one makes it a tool call again. */
const MAX_REPORTED_TOOLS = 20_000;

/** Longest text of one event, in UTF-16 units; a longer one becomes several events. */
const MAX_TEXT_CHARS = 64 * 1024;

/**
 * Turns what an agent sends in `session/update` into events. Trusts nothing: fields that are missing
 * or odd are left out, kinds of updates that are unknown are dropped.
 */
export class UpdateTranslator {
  /** The state of the latest tool calls as it was last reported. */
  private readonly tools = new Map<string, ToolCall>();
  private readonly reportedIds = new Set<string>();

  /** @param cwd absolute folder that relative paths of the agent are taken to start from */
  constructor(private readonly cwd: string) {}

  /** The events that one `update` stands for. */
  translate(update: JsonObject): AgentEvent[] {
    switch (update['sessionUpdate']) {
      case 'agent_message_chunk':
        return textEvent('text', update);
      case 'agent_thought_chunk':
        return textEvent('thought', update);
      case 'tool_call':
      case 'tool_call_update':
        return this.translateTool(update);
      case 'plan':
        return [{ type: 'plan', entries: objectsOf(update['entries']).map(planEntry) }];
      case 'current_mode_update':
        return modeEvent(update['currentModeId']);
      case 'usage_update':
        return costEvent(objectOf(update['cost']));
      default:
        return [];
    }
  }

  /**
   * The events for the tool call that a `tool_call`, an update of one, or a permission request
   * describes: `tool-call` when it is the first that names it, `tool-update` when something changed.
   */
  translateTool(update: JsonObject): AgentEvent[] {
    const toolCallId = textOf(update['toolCallId']);
    if (toolCallId === undefined) return [];
    const changes = readToolCall(update, this.cwd);
    if (!this.reportedIds.has(toolCallId)) {
      const call = { ...BLANK_TOOL_CALL, ...changes };
      this.remember(toolCallId, call);
      return [{ type: 'tool-call', toolCallId, ...call }];
    }
    const before = this.tools.get(toolCallId);
    const news = before ? differences(before, changes) : changes;
    if (before) this.remember(toolCallId, { ...before, ...news });
    return Object.keys(news).length > 0 ? [{ type: 'tool-update', toolCallId, ...news }] : [];
  }

  /** Title of a tool call that was reported before. */
  titleOf(toolCallId: string): string | undefined {
    return this.tools.get(toolCallId)?.title;
  }

  /** What is known of a tool call; of an unknown one, nothing. */
  describe(toolCallId: string): ToolCall {
    return this.tools.get(toolCallId) ?? BLANK_TOOL_CALL;
  }

  private remember(toolCallId: string, call: ToolCall): void {
    this.reportedIds.add(toolCallId);
    this.tools.set(toolCallId, call);
    dropOldest(this.reportedIds, MAX_REPORTED_TOOLS);
    dropOldest(this.tools, MAX_REMEMBERED_TOOLS);
  }
}

/** Takes the oldest key out of a collection that has grown by one beyond its limit. */
function dropOldest(from: Set<string> | Map<string, unknown>, limit: number): void {
  if (from.size <= limit) return;
  for (const oldest of from.keys()) {
    from.delete(oldest);
    return;
  }
}

const BLANK_TOOL_CALL: ToolCall = {
  title: 'Tool call',
  kind: 'other',
  status: 'pending',
  locations: [],
  output: undefined,
};

type ToolCallChanges = { -readonly [Name in keyof ToolCall]?: ToolCall[Name] };

function readToolCall(update: JsonObject, cwd: string): ToolCallChanges {
  const changes: ToolCallChanges = {};
  const title = textOf(update['title']);
  if (title !== undefined) changes.title = cut(title, MAX_TITLE_CHARS);
  const kind = textOf(update['kind']);
  if (kind !== undefined) changes.kind = kind;
  const status = oneOf(update['status'], TOOL_STATUSES);
  if (status !== undefined) changes.status = status;
  const locations = readLocations(update, cwd);
  if (locations.length > 0) changes.locations = locations;
  const output = readOutput(update);
  if (output !== undefined) changes.output = cut(output, MAX_OUTPUT_CHARS);
  return changes;
}

/**
 * What a tool call is to be given, as text for a person: the command of one that runs a command, else
 * its input as JSON, or the text of its diffs; undefined when the agent does not say.
 */
export function readInput(toolCall: JsonObject): string | undefined {
  const raw = toolCall['rawInput'];
  const command = objectOf(raw)['command'];
  const text =
    textOf(raw) ??
    textOf(command) ??
    (Array.isArray(command) ? textOf(command.map(String).join(' ')) : undefined) ??
    (isObject(raw) && Object.keys(raw).length > 0 ? JSON.stringify(raw) : undefined) ??
    textOf(
      objectsOf(toolCall['content'])
        .map((item) => textOf(item['newText']) ?? '')
        .join('\n'),
    );
  return text === undefined ? undefined : cut(text, MAX_OUTPUT_CHARS);
}

/** Where the agent says it works, and what its diffs are about. */
function readLocations(update: JsonObject, cwd: string): string[] {
  const diffs = objectsOf(update['content']).filter((item) => item['type'] === 'diff');
  const paths = [...objectsOf(update['locations']), ...diffs]
    .map((item) => textOf(item['path']))
    .filter((name) => name !== undefined)
    .map((name) => absolutePath(name, cwd));
  return [...new Set(paths)];
}

function absolutePath(name: string, cwd: string): string {
  if (name.startsWith('file://')) {
    try {
      return fileURLToPath(name);
    } catch {
      // Not a URL of a file here after all.
    }
  }
  return path.resolve(cwd, name);
}

function readOutput(update: JsonObject): string | undefined {
  const texts = objectsOf(update['content'])
    .map((item) => textOf(objectOf(item['content'])['text']))
    .filter((text) => text !== undefined);
  if (texts.length > 0) return texts.join('\n');
  const raw = update['rawOutput'];
  return textOf(raw) ?? textOf(objectOf(raw)['output']);
}

function differences(before: ToolCall, changes: ToolCallChanges): ToolCallChanges {
  return Object.fromEntries(
    Object.entries(changes).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof ToolCall]),
    ),
  );
}

function textEvent(type: 'text' | 'thought', update: JsonObject): AgentEvent[] {
  const text = textOf(objectOf(update['content'])['text']) ?? '';
  const events: AgentEvent[] = [];
  for (let start = 0; start < text.length;) {
    const piece = sliceWhole(text, start, MAX_TEXT_CHARS);
    events.push({ type, text: piece });
    start += piece.length;
  }
  return events;
}

function planEntry(entry: JsonObject): { content: string; status: string } {
  return {
    content: cut(textOf(entry['content']) ?? '', MAX_TITLE_CHARS),
    status: textOf(entry['status']) ?? 'pending',
  };
}

/** The event for a mode that a conversation is in; nothing when the agent names none. */
export function modeEvent(mode: unknown): AgentEvent[] {
  const modeId = textOf(mode);
  return modeId === undefined ? [] : [{ type: 'mode', modeId }];
}

function costEvent(cost: JsonObject): AgentEvent[] {
  const totalUsd = numberOf(cost['amount']);
  const isUsd = (textOf(cost['currency']) ?? 'USD').toUpperCase() === 'USD';
  return totalUsd === undefined || !isUsd ? [] : [{ type: 'cost', totalUsd }];
}
