import type { Clock } from '../domain/clock';
import type { Logger } from '../base/log';
import type { AgentPort, GitPort, StateStore } from '../session/ports';
import type { HandoffBook } from './handoffBook';

/** What routing may do by itself, and how far it goes; from the settings. */
export interface RoutingLimits {
  /** How many delegates a lead may have; at least 1. */
  readonly maxDelegatesPerLead: number;
  /** Handoffs that one pass routes per lead. */
  readonly autoDispatchLimitPerSession: number;
}

/** What routing needs of the sessions. */
export interface TeamPort {
  /** Starts a pending session as soon as the limits allow. */
  startSoon(sessionId: string): Promise<void>;
  /** True while the session can be given work from here. */
  isFollowing(sessionId: string): boolean;
  /** True while a handoff is being given to its agent. */
  isGiving(handoffId: number): boolean;
}

/** The parts that routing works with. */
export interface RoutingParts {
  readonly store: StateStore;
  readonly book: HandoffBook;
  readonly agents: AgentPort;
  readonly git: GitPort;
  readonly team: TeamPort;
  readonly limits: () => RoutingLimits;
  readonly clock: Clock;
  readonly log: Logger;
}
