import type { AgentDefinition } from '../domain/agent';
import { DEFAULT_RISK_THRESHOLDS, type RiskThresholds } from '../domain/risk';
import { readAgents, text } from './agentSettings';

/** Everything a person can set, with bad values replaced by their defaults. */
export interface Settings {
  readonly defaultAgent: string;
  readonly agents: readonly AgentDefinition[];
  /** What is wrong with entries of `deputy.agents`, a sentence each; they are left out. */
  readonly agentProblems: readonly string[];
  readonly stopGraceMs: number;
  readonly startTimeoutMs: number;
  /** How long the events of deleted sessions are kept. */
  readonly keepEventsMs: number;
  readonly maxDelegatesPerLead: number;
  readonly maxRunningTurns: number;
  readonly maxParallelWorktrees: number;
  /** Silence after which a running session has timed out. */
  readonly sessionTimeoutMs: number;
  /** Time between two passes of the coordinator. */
  readonly heartbeatMs: number;
  /** Whether the coordinator routes what waits by itself. */
  readonly isAutoDispatching: boolean;
  readonly autoDispatchLimitPerSession: number;
  /** US dollars per lead with everything below it; reported. */
  readonly costBudgetUsd: number;
  /** Tokens per lead with everything below it; reported. */
  readonly tokenBudget: number;
  readonly riskThresholds: RiskThresholds;
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
  maxDelegatesPerLead: { default: 8, min: 1, max: 64 },
  maxRunningTurns: { default: 8, min: 1, max: 64 },
  maxParallelWorktrees: { default: 9, min: 1, max: 256 },
  sessionTimeoutSeconds: { default: 3600, min: 10, max: 7 * 24 * 3600 },
  heartbeatIntervalSeconds: { default: 30, min: 1, max: 3600 },
  autoDispatch: false,
  autoDispatchLimitPerSession: { default: 5, min: 1, max: 100 },
  costBudgetUsd: { default: 10, min: 0, max: 100_000 },
  tokenBudget: { default: 500_000, min: 0, max: 1_000_000_000 },
  riskReview: { default: DEFAULT_RISK_THRESHOLDS.review, min: 0, max: 1 },
  riskConfirm: { default: DEFAULT_RISK_THRESHOLDS.confirm, min: 0, max: 1 },
  riskBlock: { default: DEFAULT_RISK_THRESHOLDS.block, min: 0, max: 1 },
} as const;

/** The settings that are numbers with bounds. */
type NumberKey = {
  [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K] extends { readonly min: number } ? K : never;
}[keyof typeof SETTINGS];

/**
 * Reads the settings below `deputy`. VS Code does not enforce a setting's schema, so every value is
 * checked here; one that makes no sense counts as not set.
 * @param isTrusted without trust, nothing is started by itself; default true
 */
export function readSettings(configuration: Configuration, isTrusted = true): Settings {
  const { agents, problems: agentProblems } = readAgents(configuration.get('agents'));
  const number = (key: NumberKey): number => clamped(configuration.get(key), SETTINGS[key]);
  return {
    defaultAgent: text(configuration.get('defaultAgent')) ?? SETTINGS.defaultAgent,
    agents,
    agentProblems,
    stopGraceMs: 1000 * number('stopGraceSeconds'),
    startTimeoutMs: 1000 * number('startTimeoutSeconds'),
    keepEventsMs: DAY_MS * number('keepEventsDays'),
    maxDelegatesPerLead: Math.floor(number('maxDelegatesPerLead')),
    maxRunningTurns: isTrusted ? Math.floor(number('maxRunningTurns')) : 0,
    maxParallelWorktrees: Math.floor(number('maxParallelWorktrees')),
    sessionTimeoutMs: 1000 * number('sessionTimeoutSeconds'),
    heartbeatMs: 1000 * number('heartbeatIntervalSeconds'),
    isAutoDispatching: isTrusted && configuration.get('autoDispatch') === true,
    autoDispatchLimitPerSession: Math.floor(number('autoDispatchLimitPerSession')),
    costBudgetUsd: number('costBudgetUsd'),
    tokenBudget: Math.floor(number('tokenBudget')),
    riskThresholds: {
      review: number('riskReview'),
      confirm: number('riskConfirm'),
      block: number('riskBlock'),
    },
  };
}

function clamped(value: unknown, bounds: { default: number; min: number; max: number }): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return bounds.default;
  return Math.min(bounds.max, Math.max(bounds.min, value));
}
