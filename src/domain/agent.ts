import { UserError } from '../base/errors';

/** How to start an agent of one type. */
export interface AgentDefinition {
  /** The agent type, as it stands in a session. */
  readonly name: string;
  /** One line that tells a person what it is. */
  readonly description: string;
  /** How Deputy talks to it: the Agent Client Protocol over its standard input and output. */
  readonly protocol: 'acp';
  /** Absolute path of its program, or a name that is looked up in PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** Set on top of the user's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What a person does to get the program, as a sentence. */
  readonly howToGet: string;
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
