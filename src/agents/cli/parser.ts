import type { CliFormat } from '../../domain/agent';
import type { AgentEvent, TurnResult } from '../agentConnection';
import { ClaudeParser } from './claudeParser';
import { CodexParser } from './codexParser';
import { PlainParser } from './plainParser';

/**
 * Reads what one process of a command puts out. Never throws, whatever it is given; how its output is
 * cut into chunks makes no difference to the text of the events.
 */
export interface CliParser {
  /** Takes the next bytes of standard output and tells what they say. */
  push(chunk: Buffer): AgentEvent[];
  /** The output has ended; what is left of it. */
  end(): AgentEvent[];
  /** The agent's own name for the conversation; undefined until it says it. */
  readonly conversationId: string | undefined;
  /** The folder that the agent says it works in; undefined when it does not say. */
  readonly folder: string | undefined;
  /** How the turn ended; undefined as long as the agent has not said it. */
  readonly result: TurnResult | undefined;
}

/** What a parser must know of the process. */
export interface CliOutput {
  /** Absolute folder that it works in. */
  readonly cwd: string;
  /** Put before the ids of its tool calls, where they count from the beginning in each process. */
  readonly idPrefix: string;
}

/** The parser for a format. */
export function makeParser(format: CliFormat, output: CliOutput): CliParser {
  switch (format) {
    case 'claude':
      return new ClaudeParser(output.cwd);
    case 'codex':
      return new CodexParser(output.cwd, output.idPrefix);
    case 'plain':
      return new PlainParser();
  }
}
