import type * as vscode from 'vscode';
import { UserError } from '../base/errors';
import type { RiskThresholds } from '../domain/risk';
import { formatSessionStatus, formatTeamStatus, type Budget } from '../domain/status';
import { formatMessage } from '../routing/report';
import { formatActivity, formatToolLog } from '../session/logTexts';
import type { ActivityEntry, StateStore } from '../session/ports';
import type { SessionManager } from '../session/sessionManager';
import type { ToolLog } from '../session/toolLog';
import { Documents } from './documents';
import { namesIn } from './names';

/** Tool calls in one document. */
const MAX_TOOL_CALLS = 1_000;
/** Entries of activity in one document. */
const MAX_ACTIVITY = 200;
/** Entries that are looked at for it: most heartbeats find nothing to do. */
const MAX_SEEN = 1_000;

/** The documents about sessions. */
export type SessionDocuments = Documents<'status' | 'team' | 'tools' | 'message' | 'activity'>;

/** What the documents are made from. */
export interface DocumentSources {
  readonly manager: SessionManager;
  readonly store: StateStore;
  readonly toolLog: ToolLog;
  readonly riskThresholds: () => RiskThresholds;
  readonly budget: () => Budget;
}

/** Provides the documents about sessions, until it is disposed. */
export function sessionDocuments(
  vs: typeof vscode,
  { manager, store, toolLog, riskThresholds, budget }: DocumentSources,
): SessionDocuments {
  return new Documents(vs, manager.onDidChange, {
    status: {
      title: (id) => `Session ${id}`,
      text: (id) => formatSessionStatus(manager.status(id)),
    },
    team: {
      title: (id) => `Team ${id}`,
      text: (id) => formatTeamStatus(manager.teamStatus(id, Infinity), budget()),
    },
    tools: {
      title: (id) => `Tools ${id}`,
      text: (id) => formatToolLog(id, toolLog.query(id, 1, MAX_TOOL_CALLS), riskThresholds()),
    },
    message: {
      title: (id) => `Message ${id}`,
      text: (id) => {
        const message = store.messages.get(Number(id));
        if (!message) throw new UserError(`Message not found: ${id}`);
        return formatMessage(message, store.handoffs.get(message.id), namesIn(store));
      },
    },
    activity: {
      title: () => 'Activity',
      text: () =>
        formatActivity(store.activity.latest(MAX_SEEN).filter(didSomething).slice(0, MAX_ACTIVITY)),
    },
  });
}

function didSomething({ kind, detail }: ActivityEntry): boolean {
  return kind === 'assign' || kind === 'coordinate' || !detail.startsWith('0 leads');
}
