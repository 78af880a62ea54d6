import type { SqlValue } from 'sql.js';
import type { Session } from '../../../src/domain/session';
import type { Turn } from '../../../src/session/ports';
import type { DurableStore } from '../../../src/store/durableStore';
import type { Recovered } from '../../../src/store/recovery';
import { Statements } from '../../../src/store/statements';
import { Tables } from '../../../src/store/tables';
import { lastOf, planOf, type PlanOptions } from './plan';

type Row = readonly SqlValue[];

/** What the tables hold, in a form that can be compared. */
export interface StateImage {
  /** The last transaction in it. */
  readonly last: number;
  readonly sessions: readonly Session[];
  readonly messages: readonly Row[];
  readonly handoffs: readonly Row[];
  readonly turns: readonly Row[];
  /** Number of each transaction, in the order in which they were made. */
  readonly numbers: readonly number[];
}

/** A {@link StateImage}, and who has made each of its transactions. */
export interface ReadState {
  readonly image: StateImage;
  /** As `<writer> <n>`. */
  readonly writers: readonly string[];
}

/** Computes what the state must be, without a database. */
export class Model {
  private last = 0;
  private readonly sessions = new Map<string, Session>();
  private readonly messages: Row[] = [];
  private readonly handoffs: Row[] = [];
  private readonly turns = new Map<string, Turn>();

  constructor(private readonly options: PlanOptions) {}

  /** The state after the n-th transaction, which may not be before the one asked for last. */
  at(n: number): StateImage {
    if (n < this.last) throw new Error(`The model is at ${this.last}, beyond ${n}.`);
    while (this.last < n) this.apply(++this.last);
    return {
      last: this.last,
      sessions: [...this.sessions.values()].sort(byId),
      messages: this.messages,
      handoffs: this.handoffs,
      turns: [...this.turns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, turn]) => turnRow(turn)),
      numbers: Array.from({ length: this.last }, (_, i) => i + 1),
    };
  }

  private apply(n: number): void {
    for (const step of planOf(this.options, n)) {
      switch (step.kind) {
        case 'insert':
        case 'update':
          this.sessions.set(step.session.id, step.session);
          break;
        case 'refused':
          break;
        case 'message': {
          const { message, handoff } = step;
          const id = this.messages.length + 1;
          const { from, to, type, content, timestamp } = message;
          this.messages.push([id, from, to, type, content, timestamp]);
          if (handoff) {
            this.handoffs.push([id, from, to, handoff.purpose, handoff.state, handoff.attempts]);
          }
          break;
        }
        case 'turn':
          this.turns.set(`${step.turn.sessionId} ${step.turn.commandId}`, step.turn);
      }
    }
  }
}

/** Reads the state of a database that {@link recover} has made; closes it. */
export function readRecovered({ db }: Pick<Recovered, 'db'>): ReadState {
  const statements = new Statements(db);
  const state = read(new Tables(statements, () => undefined), statements);
  const check = statements.first('PRAGMA integrity_check')?.[0];
  if (check !== 'ok') throw new Error(`integrity_check: ${String(check)}`);
  statements.dispose();
  db.close();
  return state;
}

/** Reads the state of an open store: what is in memory. */
export function readStore(store: DurableStore): ReadState {
  return read(store, store['statements']);
}

function read(tables: Tables, sql: Statements): ReadState {
  if (!sql.first("SELECT 1 FROM sqlite_master WHERE name = 'meta'")) return EMPTY;
  const activity = sql.all('SELECT kind, detail FROM activity ORDER BY id');
  return {
    image: {
      last: lastOf(tables),
      sessions: [...tables.sessions.list()].sort(byId),
      messages: sql.all(
        'SELECT id, from_session, to_session, msg_type, content, timestamp FROM messages ORDER BY id',
      ),
      handoffs: sql.all(
        'SELECT message_id, from_session, to_session, purpose, state, attempts FROM handoffs ORDER BY message_id',
      ),
      turns: sql.all(
        'SELECT session_id, command_id, started_at, ended_at, stop_reason, tokens, cost_usd FROM turns ORDER BY session_id, command_id',
      ),
      numbers: activity.map(([, detail]) => Number(detail)),
    },
    writers: activity.map(([writer, detail]) => `${String(writer)} ${String(detail)}`),
  };
}

const EMPTY: ReadState = {
  image: { last: 0, sessions: [], messages: [], handoffs: [], turns: [], numbers: [] },
  writers: [],
};

function turnRow(turn: Turn): Row {
  return [
    turn.sessionId,
    turn.commandId,
    turn.startedAt,
    turn.endedAt ?? null,
    turn.stopReason ?? null,
    turn.tokens ?? null,
    turn.costUsd ?? null,
  ];
}

function byId(a: Session, b: Session): number {
  return a.id < b.id ? -1 : 1;
}
