import which from 'which';
import { AgentMissingError, UnsupportedAgentError, type AgentDefinition } from '../domain/agent';
import type { AgentPort, LaunchableAgent } from '../session/ports';

/** The presets and the user's own agents; an own one replaces a preset of the same name. */
export class AgentCatalogue implements AgentPort {
  /** @param own read at every use, so that a changed setting counts at once */
  constructor(
    private readonly presets: readonly AgentDefinition[],
    private readonly own: () => readonly AgentDefinition[],
  ) {}

  definitions(): readonly AgentDefinition[] {
    return [
      ...new Map([...this.presets, ...this.own()].map((agent) => [agent.name, agent])).values(),
    ];
  }

  async resolve(agentType: string): Promise<LaunchableAgent> {
    const definitions = this.definitions();
    const definition = definitions.find((it) => it.name === agentType);
    if (!definition) {
      throw new UnsupportedAgentError(
        agentType,
        definitions.map((it) => it.name),
      );
    }
    const program = await which(definition.command, { nothrow: true });
    if (program === null) throw new AgentMissingError(definition);
    return { definition, program };
  }
}
