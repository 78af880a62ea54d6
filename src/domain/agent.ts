import { UserError } from '../base/errors';

/** Every way of talking to an agent, see {@link AgentProtocol}. */
export const AGENT_PROTOCOLS = ['acp', 'cli'] as const;

/**
 * - `acp`: the Agent Client Protocol over its standard input and output
 * - `cli`: a command for each turn, which prints what it does
 */
export type AgentProtocol = (typeof AGENT_PROTOCOLS)[number];

/** Every way of reading a command's output, see {@link CliFormat}. */
export const CLI_FORMATS = ['plain', 'claude', 'codex'] as const;

/**
 * - `plain`: lines of text; one turn and no more
 * - `claude`: Claude Code's `--output-format stream-json`
 * - `codex`: Codex's `exec --json`
 */
export type CliFormat = (typeof CLI_FORMATS)[number];

/** How to start an agent of one type. */
export interface AgentDefinition {
  /** The agent type, as it stands in a session. */
  readonly name: string;
  /** One line that tells a person what it is. */
  readonly description: string;
  readonly protocol: AgentProtocol;
  /** How its output is read; counts for `cli` alone. */
  readonly format: CliFormat;
  /** Absolute path of its program, or a name that is looked up in PATH. */
  readonly command: string;
  /** `{prompt}` in one of them stands for the prompt, with `cli`. */
  readonly args: readonly string[];
  /** Set on top of the user's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What a person does to get the program, as a sentence. */
  readonly howToGet: string;
}

/** True for an agent that can be given another turn when one has ended. */
export function takesMoreTurns({ protocol, format }: AgentDefinition): boolean {
  return protocol === 'acp' || format !== 'plain';
}

/** An agent type that neither a preset nor a setting knows. */
export class UnsupportedAgentError extends UserError {
  override name = 'UnsupportedAgentError';

  constructor(
    readonly agentType: string,
    readonly known: readonly string[],
  ) {
    super(
      `Unsupported agent type: ${agentType}. Known are ${known.join(', ')}; the setting deputy.agents adds more.`,
    );
  }
}

/** An agent whose program is not on this machine. */
export class AgentMissingError extends UserError {
  override name = 'AgentMissingError';

  constructor(readonly agent: AgentDefinition) {
    super(
      `The agent ${agent.name} needs the program "${agent.command}", which was not found. ${agent.howToGet}`,
    );
  }
}
