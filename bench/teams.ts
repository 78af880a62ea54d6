import type { HandoffPurpose } from '../src/domain/handoff';
import { encodeMessage, PERSON } from '../src/domain/message';
import type { SessionState } from '../src/domain/session';
import type { Statements } from '../src/store/statements';
import type { Tables } from '../src/store/tables';
import { makeHandoff } from '../test/support/stores';
import { sessionId, workingSession } from './fixtures';

/** How many delegates each lead has or had. */
export const DELEGATES = 8;
/** Handoffs that wait in or for each team. */
export const QUEUED = 5;

/** Handoffs that each delegate has done before. */
const HISTORY = 3;

/** A team as a pass finds it; {@link DELEGATES} in all, the others run with nothing behind it. */
interface Team {
  /** Delegates that are idle with nothing to do. */
  readonly idle?: number;
  /** Delegates that have ended: so many can be made anew. */
  readonly ended?: number;
  /** One delegate in this state has so many handoffs waiting for it. */
  readonly crowded?: { readonly state: SessionState; readonly load: number };
  /** Handoffs in the lead's inbox for its team. */
  readonly team: number;
}

/** One after the other, over and over: what a pass does with each is in the comment. */
const TEAMS: readonly Team[] = [
  // 3 to idle delegates, 2 deferred.
  { idle: 3, team: 5 },
  // 2 to new delegates, 3 to running ones.
  { ended: 2, team: 5 },
  // 2 moved to idle delegates; then there is none.
  { idle: 2, crowded: { state: 'running', load: 5 }, team: 0 },
  // 3 deferred, and nobody to move to.
  { crowded: { state: 'idle', load: 2 }, team: 3 },
  // 1 to an idle delegate, 1 to a new one, 1 deferred, and nobody to move to.
  { idle: 1, ended: 1, crowded: { state: 'running', load: 2 }, team: 3 },
];

/**
 * Fills tables with leads and their teams, {@link QUEUED} handoffs waiting for each.
 * @param inInboxes how many more wait, spread over the inboxes that have any
 */
export function fillTeams(
  tables: Tables,
  statements: Statements,
  leads: number,
  inInboxes: number,
): void {
  const lots = TEAMS.filter(({ team }) => team > 0).length;
  const share = Math.floor(inInboxes / ((leads * lots) / TEAMS.length));
  for (let n = 0; n < leads; n++) {
    const team = TEAMS[n % TEAMS.length] ?? { team: QUEUED };
    fillTeam(tables, n * (DELEGATES + 1), team, team.team > 0 ? share : 0);
  }
  statements.run(
    "UPDATE messages SET read = 1 WHERE id IN (SELECT message_id FROM handoffs WHERE state <> 'queued')",
  );
}

function fillTeam(tables: Tables, first: number, team: Team, more: number): void {
  const { idle = 0, ended = 0, crowded } = team;
  const lead = sessionId(first);
  insertSession(tables, first, 'idle');
  for (let n = 1; n <= DELEGATES; n++) {
    const id = sessionId(first + n);
    const isCrowded = n === DELEGATES && crowded !== undefined;
    insertSession(
      tables,
      first + n,
      isCrowded ? crowded.state : n <= idle ? 'idle' : n <= idle + ended ? 'completed' : 'running',
    );
    for (let i = 0; i < HISTORY; i++) insertHandoff(tables, lead, id, 'self', 'done');
    if (!isCrowded) continue;
    for (let i = 0; i < crowded.load; i++) insertHandoff(tables, lead, id, 'self', 'queued');
  }
  for (let i = 0; i < team.team + more; i++) {
    insertHandoff(tables, PERSON, lead, 'team', 'queued');
  }
}

function insertSession(tables: Tables, n: number, state: SessionState): void {
  const presence = state === 'completed' ? 'gone' : 'alive';
  tables.sessions.insert({ ...workingSession(n), state, presence });
}

function insertHandoff(
  tables: Tables,
  from: string,
  to: string,
  purpose: HandoffPurpose,
  state: 'queued' | 'done',
): void {
  const content = encodeMessage({
    type: 'task_handoff',
    task: `Have the importer of ${to} name the files that it could not read, with a test for each kind of damage.`,
    context: 'The importer lies in src/importer; its tests beside it. Leave the parser as it is.',
    priority: 'normal',
    agentType: undefined,
  });
  const id = tables.messages.insert({ from, to, type: 'task_handoff', content, timestamp: 1_000 });
  tables.handoffs.insert(makeHandoff({ id, from, to, purpose, state }));
}
