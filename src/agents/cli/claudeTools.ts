import * as path from 'node:path';
import { textOf, type JsonObject } from '../acp/json';

/** What a person reads of a tool call of Claude Code. */
export interface ClaudeTool {
  readonly title: string;
  /** ACP's kinds, see `ToolCall`. */
  readonly kind: string;
  readonly paths: readonly string[];
}

/** Names of the tools that come with Claude Code, by what they do; every other one is `other`. */
const KINDS: Readonly<Record<string, string>> = {
  Bash: 'execute',
  BashOutput: 'execute',
  KillShell: 'execute',
  Read: 'read',
  NotebookRead: 'read',
  Edit: 'edit',
  MultiEdit: 'edit',
  Write: 'edit',
  NotebookEdit: 'edit',
  Glob: 'search',
  Grep: 'search',
  LS: 'search',
  WebSearch: 'search',
  WebFetch: 'fetch',
  Task: 'think',
  Agent: 'think',
  EnterPlanMode: 'switch_mode',
  ExitPlanMode: 'switch_mode',
};

/** Describes a `tool_use` block. */
export function describeTool(name: string, input: JsonObject, cwd: string): ClaudeTool {
  const file = textOf(input['file_path']) ?? textOf(input['notebook_path']);
  const subject =
    textOf(input['command']) ??
    (file === undefined ? undefined : shown(file, cwd)) ??
    textOf(input['pattern']) ??
    textOf(input['query']) ??
    textOf(input['url']) ??
    textOf(input['path']) ??
    textOf(input['description']);
  const isCommand = textOf(input['command']) !== undefined;
  return {
    title: subject === undefined ? name : isCommand ? subject : `${name} ${subject}`,
    kind: KINDS[name] ?? 'other',
    paths: file === undefined ? [] : [file],
  };
}

function shown(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative.startsWith('..') || path.isAbsolute(relative) || relative === ''
    ? file
    : relative;
}
