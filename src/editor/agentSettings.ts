import { AGENT_PROTOCOLS, CLI_FORMATS, type AgentDefinition } from '../domain/agent';

/** What the setting `deputy.agents` says. */
export interface AgentSettings {
  readonly agents: readonly AgentDefinition[];
  /** A sentence for each entry that was left out: which one, what is wrong, and what would be right. */
  readonly problems: readonly string[];
}

/** Reads the setting `deputy.agents`. An entry that cannot be meant as it stands is left out, and told. */
export function readAgents(value: unknown): AgentSettings {
  const agents: AgentDefinition[] = [];
  const problems: string[] = [];
  if (value !== undefined && value !== null && !isRecord(value)) {
    problems.push('The setting deputy.agents is no object with agents by name; it is ignored.');
  }
  for (const [name, entry] of Object.entries(isRecord(value) ? value : {})) {
    try {
      agents.push(readAgent(name, entry));
    } catch (error) {
      if (!(error instanceof EntryError)) throw error;
      problems.push(`The agent "${name}" in deputy.agents ${error.message}; it is left out.`);
    }
  }
  return { agents, problems };
}

/** What is wrong with an entry, to follow its name. */
class EntryError extends Error {}

function readAgent(name: string, entry: unknown): AgentDefinition {
  if (!isRecord(entry)) throw new EntryError('is no object with a "command"');
  const command = text(entry['command']);
  if (command === undefined) throw new EntryError('names no "command"');
  const protocol = choice(entry, 'protocol', AGENT_PROTOCOLS) ?? 'acp';
  const format = choice(entry, 'format', CLI_FORMATS);
  if (format !== undefined && protocol !== 'cli') {
    throw new EntryError(`has a "format", which counts only with "protocol": "cli"`);
  }
  return {
    name,
    description: text(entry['description']) ?? command,
    protocol,
    format: format ?? 'plain',
    command,
    args: readArgs(entry['args']),
    env: readEnvironment(entry['env']),
    howToGet:
      text(entry['howToGet']) ?? `Install it, or change deputy.agents.${name}.command in settings.`,
  };
}

function choice<T extends string>(
  entry: Readonly<Record<string, unknown>>,
  key: string,
  choices: readonly T[],
): T | undefined {
  const value = entry[key];
  if (value === undefined) return undefined;
  const known = choices.find((it) => it === value);
  if (known !== undefined) return known;
  const wanted = choices.map((it) => `"${it}"`).join(', ');
  throw new EntryError(`has the ${key} ${JSON.stringify(value)}, which is none of ${wanted}`);
}

function readArgs(value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new EntryError('has "args" that are no list of texts');
  return value.map(String);
}

function readEnvironment(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw new EntryError('has an "env" that is no object with texts by name');
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, String(it)]));
}

/** The value without the space around it; undefined when it is no text, or an empty one. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
