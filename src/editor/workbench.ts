import type { Routing } from '../routing/routing';
import type { AgentPort, GitPort, StateStore } from '../session/ports';
import type { SessionManager } from '../session/sessionManager';
import type { ToolLog } from '../session/toolLog';
import type { SessionDocuments } from './sessionDocuments';
import type { OutputChannels } from './outputChannels';

/** What the commands work with once the state is there. */
export interface Workbench {
  readonly manager: SessionManager;
  readonly routing: Routing;
  readonly toolLog: ToolLog;
  readonly store: StateStore;
  readonly agents: AgentPort;
  readonly git: GitPort;
  readonly outputs: OutputChannels;
  readonly documents: SessionDocuments;
  readonly defaultAgent: () => string;
}
