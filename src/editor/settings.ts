import type { AgentDefinition } from '../domain/agent';

/** Everything a person can set, with bad values replaced by their defaults. */
export interface Settings {
  readonly defaultAgent: string;
  readonly agents: readonly AgentDefinition[];
  readonly stopGraceMs: number;
  readonly startTimeoutMs: number;
  /** How long the events of deleted sessions are kept. */
  readonly keepEventsMs: number;
}

/** The part of `WorkspaceConfiguration` that is read. */
export interface Configuration {
  get(key: string): unknown;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Defaults and bounds; a test holds the defaults against package.json. */
export const SETTINGS = {
  defaultAgent: 'claude',
  agents: {},
  stopGraceSeconds: { default: 5, min: 0.1, max: 60 },
  startTimeoutSeconds: { default: 60, min: 1, max: 600 },
  keepEventsDays: { default: 30, min: 0, max: 3650 },
} as const;

/**
 * Reads the settings below `deputy`. VS Code does not enforce a setting's schema, so every value is
 * checked here; one that makes no sense counts as not set.
 */
export function readSettings(configuration: Configuration): Settings {
  return {
    defaultAgent: text(configuration.get('defaultAgent')) ?? SETTINGS.defaultAgent,
    agents: readAgents(configuration.get('agents')),
    stopGraceMs: 1000 * clamped(configuration.get('stopGraceSeconds'), SETTINGS.stopGraceSeconds),
    startTimeoutMs:
      1000 * clamped(configuration.get('startTimeoutSeconds'), SETTINGS.startTimeoutSeconds),
    keepEventsMs: DAY_MS * clamped(configuration.get('keepEventsDays'), SETTINGS.keepEventsDays),
  };
}

function readAgents(value: unknown): AgentDefinition[] {
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, entry]) => {
    const command = isRecord(entry) ? text(entry['command']) : undefined;
    if (!isRecord(entry) || command === undefined) return [];
    return {
      name,
      description: text(entry['description']) ?? command,
      protocol: 'acp' as const,
      command,
      args: Array.isArray(entry['args']) ? entry['args'].map(String) : [],
      env: isRecord(entry['env'])
        ? Object.fromEntries(Object.entries(entry['env']).map(([key, it]) => [key, String(it)]))
        : {},
      howToGet:
        text(entry['howToGet']) ??
        `Install it, or change deputy.agents.${name}.command in settings.`,
    };
  });
}

function clamped(value: unknown, bounds: { default: number; min: number; max: number }): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return bounds.default;
  return Math.min(bounds.max, Math.max(bounds.min, value));
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
