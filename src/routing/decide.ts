import type { DelegateRow } from '../session/ports';

/** What becomes of a task that is handed to a lead's team. */
export type AssignmentAction = 'reused_idle' | 'spawned' | 'reused_active' | 'deferred_saturated';

/** A delegate as the decision sees it. */
export interface Candidate extends Pick<DelegateRow, 'id' | 'state' | 'updatedAt' | 'load'> {
  /** False for one that counts as capacity but cannot be given a turn. */
  readonly canTakeTurn: boolean;
}

/** See {@link decide}. `why` is a phrase for people, without a full stop. */
export type Decision =
  | {
      readonly action: 'reused_idle' | 'reused_active';
      readonly sessionId: string;
      readonly why: string;
    }
  | { readonly action: 'spawned'; readonly why: string }
  | { readonly action: 'deferred_saturated'; readonly why: string };

/** A decision for somebody. */
export type RoutedDecision = Exclude<Decision, { readonly action: 'deferred_saturated' }>;

/**
 * Decides who of a lead's team gets a task. A pure function: the same team gives the same decision,
 * in whatever order it is listed.
 * @param candidates the delegates that are pending, running or idle
 * @param capacity how many delegates a lead may have; one is made even when it is 0
 */
export function decide(candidates: readonly Candidate[], capacity: number): Decision {
  const takers = candidates.filter((it) => it.canTakeTurn);
  const clear = first(takers.filter((it) => it.state === 'idle' && it.load === 0));
  if (clear) {
    return { action: 'reused_idle', sessionId: clear.id, why: 'reused idle delegate' };
  }
  if (candidates.length < capacity) return { action: 'spawned', why: 'spawned new delegate' };
  if (candidates.some((it) => it.state === 'idle')) {
    return {
      action: 'deferred_saturated',
      why: `all ${candidates.length} delegates have work waiting, and the team is at its capacity of ${capacity}`,
    };
  }
  const active = first(takers);
  if (active && active.load === 0) {
    return {
      action: 'reused_active',
      sessionId: active.id,
      why: 'reused active delegate at capacity',
    };
  }
  if (candidates.length > 0) {
    return {
      action: 'deferred_saturated',
      why: active
        ? `every active delegate has work waiting, and the team is at its capacity of ${capacity}`
        : `no delegate can take another turn, and the team is at its capacity of ${capacity}`,
    };
  }
  return { action: 'spawned', why: 'spawned fallback delegate' };
}

/** True when the task found somebody. */
export function routesWork(action: AssignmentAction): boolean {
  return action !== 'deferred_saturated';
}

/** The one with the least work; of several, the one longest untouched; of several, the first id. */
function first(candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined;
  for (const it of candidates) if (!best || isBefore(it, best)) best = it;
  return best;
}

function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.load !== b.load) return a.load < b.load;
  if (a.updatedAt !== b.updatedAt) return a.updatedAt < b.updatedAt;
  return a.id < b.id;
}
