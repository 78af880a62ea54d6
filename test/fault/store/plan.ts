import type { Handoff } from '../../../src/domain/handoff';
import type { Session } from '../../../src/domain/session';
import type { NewMessage, Turn } from '../../../src/session/ports';
import type { Tables } from '../../../src/store/tables';
import { makeSession } from '../../support/sessions';
import { makeHandoff } from '../../support/stores';
import { Random } from '../random';

/** One write of a transaction. */
export type Step =
  | { readonly kind: 'insert' | 'update'; readonly session: Session }
  /** An insert that the primary key refuses; the transaction catches that and goes on. */
  | { readonly kind: 'refused'; readonly session: Session }
  | {
      readonly kind: 'message';
      readonly message: NewMessage;
      readonly handoff: Handoff | undefined;
    }
  | { readonly kind: 'turn'; readonly turn: Turn };

/** Which of all possible sequences of transactions. */
export interface PlanOptions {
  readonly seed: number;
  /** True: each transaction says that it is earlier than the one before. */
  readonly isClockBackwards?: boolean;
}

/** The key in `meta` that holds the number of the last transaction. */
const LAST_KEY = 'last';

const POOL = 60;
const CLOCK_START = 1_700_000_000_000;
const TEXTS = ['plain', 'späße "quoted"\n', 'DPRC', '🙂', "'; --"] as const;

/**
 * The writes of the n-th transaction (from 1), which depend on nothing else: whoever knows the seed
 * knows what the state must be after it.
 */
export function planOf(
  { seed, isClockBackwards = false }: PlanOptions,
  n: number,
): readonly Step[] {
  const random = new Random(seed, n);
  const at = CLOCK_START + (isClockBackwards ? -n : n) * 1_000;
  const text = (): string => random.pick(TEXTS).repeat(random.upTo(30));
  // From the transaction after the last insert on, all sessions of the pool are there.
  const known = (): string => sessionId(1 + random.below(Math.min(n, POOL)));
  const steps: Step[] = [];
  const session = (id: string): Session =>
    makeSession({
      id,
      task: text(),
      state: random.pick(['pending', 'running', 'idle', 'failed']),
      pid: random.chance(0.5) ? random.below(99_999) : undefined,
      appliedSeq: n,
      createdAt: at,
      updatedAt: at,
    });
  if (n <= POOL) steps.push({ kind: 'insert', session: session(sessionId(n)) });
  if (random.chance(0.3)) steps.push({ kind: 'update', session: session(known()) });
  if (random.chance(0.1)) steps.push({ kind: 'refused', session: session(sessionId(1)) });
  for (let left = random.below(3); left > 0; left--) {
    const [from, to] = [known(), known()];
    const type = random.chance(0.5) ? 'task_handoff' : 'query';
    const handoff = makeHandoff({ from, to, attempts: n, purpose: random.pick(['self', 'team']) });
    const message = { from, to, type, content: text(), timestamp: at } as const;
    steps.push({ kind: 'message', message, handoff: type === 'query' ? undefined : handoff });
  }
  if (random.chance(0.4)) {
    const turn = {
      sessionId: known(),
      commandId: `c${random.below(5)}`,
      handoffId: undefined,
      startedAt: at,
      endedAt: random.chance(0.5) ? at + 1 : undefined,
      stopReason: text(),
      tokens: n,
      costUsd: random.next(),
    };
    steps.push({ kind: 'turn', turn });
  }
  return steps;
}

/** True when an attempt that throws, and so must leave nothing, comes before the n-th transaction. */
export function isPrecededByFailure({ seed }: PlanOptions, n: number): boolean {
  return new Random(seed, n, 1).chance(0.1);
}

/** What {@link failHalfWay} throws. */
export class HalfWay extends Error {}

/**
 * Makes the first writes of a transaction, and some that no plan has, and throws.
 * @throws {HalfWay}
 */
export function failHalfWay(tables: Tables, steps: readonly Step[]): never {
  for (const step of steps.slice(0, 2)) applyStep(tables, step);
  tables.messages.insert({ from: 'x', to: 'x', type: 'query', content: 'never', timestamp: 0 });
  tables.meta.set(LAST_KEY, 'never');
  throw new HalfWay('half-way');
}

/**
 * Makes the writes of the n-th transaction.
 * @param writer who does it; is kept beside the number, so that each acknowledgement can be looked up
 */
export function applySteps(
  tables: Tables,
  steps: readonly Step[],
  n: number,
  writer: string,
): void {
  for (const step of steps) applyStep(tables, step);
  tables.activity.insert({ at: n, kind: writer, detail: String(n) });
  tables.meta.set(LAST_KEY, String(n));
}

/** The number of the last transaction that is in a store; 0 for an empty one. */
export function lastOf(tables: Tables): number {
  return Number(tables.meta.get(LAST_KEY) ?? 0);
}

function applyStep(tables: Tables, step: Step): void {
  switch (step.kind) {
    case 'insert':
      tables.sessions.insert(step.session);
      break;
    case 'update':
      tables.sessions.update(step.session);
      break;
    case 'refused':
      try {
        tables.sessions.insert(step.session);
      } catch {
        return;
      }
      throw new Error('A primary key was not unique.');
    case 'message': {
      const id = tables.messages.insert(step.message);
      if (step.handoff) tables.handoffs.insert({ ...step.handoff, id });
      break;
    }
    case 'turn':
      tables.turns.put(step.turn);
  }
}

function sessionId(n: number): string {
  return `s${String(n).padStart(7, '0')}`;
}
