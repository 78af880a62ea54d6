import * as fc from 'fast-check';
import { PRIORITIES, type Priority } from '../../src/domain/message';
import type { HandoffPurpose } from '../../src/domain/handoff';
import type { StopReason } from '../../src/domain/events';
import type { SessionRole } from '../../src/domain/session';
import type { Death, LaunchFailure } from './simulatedRunners';
import { AGENT_TYPES } from './simulatedPlaces';

/**
 * One thing that a person, an agent or the machine does. Sessions, runners and handoffs are numbers,
 * which count modulo those that there are by then.
 */
export type Operation =
  /** What others shrink to. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'create'; readonly agentType: string; readonly useWorktree: boolean }
  | {
      readonly kind: 'assign';
      readonly lead: number;
      readonly priority: Priority;
      readonly agentType: string | undefined;
    }
  /** The same after a look at what would become of it; it stands alone. */
  | {
      readonly kind: 'previewedAssign';
      readonly lead: number;
      readonly priority: Priority;
      readonly agentType: string | undefined;
    }
  | {
      readonly kind: 'send';
      /** Undefined: a person. */
      readonly from: number | undefined;
      readonly to: number;
      readonly purpose: HandoffPurpose | undefined;
      readonly priority: Priority;
      /** Milliseconds from then on. */
      readonly deadlineMs: number | undefined;
    }
  | { readonly kind: 'query'; readonly to: number }
  | { readonly kind: 'drain'; readonly lead: number; readonly limit: number }
  | { readonly kind: 'autoDispatch' }
  | { readonly kind: 'rebalanceAll' }
  | { readonly kind: 'coordinate' }
  | { readonly kind: 'close' }
  | { readonly kind: 'rebalanceTeam'; readonly lead: number }
  | { readonly kind: 'endTurn'; readonly runner: number; readonly stopReason: StopReason }
  | { readonly kind: 'endAgent'; readonly runner: number; readonly death: Death }
  | { readonly kind: 'hide'; readonly runner: number }
  | { readonly kind: 'show'; readonly runner: number }
  | { readonly kind: 'loseReply'; readonly runner: number }
  | { readonly kind: 'failLaunch'; readonly failure: LaunchFailure }
  | { readonly kind: 'stop'; readonly session: number }
  | { readonly kind: 'stopTeam'; readonly session: number }
  | { readonly kind: 'resume'; readonly session: number }
  | { readonly kind: 'delete'; readonly session: number }
  | { readonly kind: 'cleanUp'; readonly session: number }
  | { readonly kind: 'finish'; readonly session: number }
  | { readonly kind: 'timeOut'; readonly session: number }
  | { readonly kind: 'markRead'; readonly session: number }
  | { readonly kind: 'switchRole'; readonly session: number; readonly role: SessionRole }
  | { readonly kind: 'withdraw'; readonly handoff: number }
  | {
      readonly kind: 'rescue';
      readonly handoff: number;
      readonly to: number;
      readonly purpose: HandoffPurpose;
    }
  | { readonly kind: 'advance'; readonly ms: number }
  /** The host dies after so many turns of the event loop, and another one opens. */
  | { readonly kind: 'crash'; readonly afterTurns: number }
  | {
      readonly kind: 'set';
      readonly what: 'autoDispatch' | 'agentMissing' | 'dirty' | 'worktreeFails';
      readonly value: boolean;
    };

/** An operation, and whether it begins before the one before it is over. */
export interface Step {
  readonly operation: Operation;
  readonly isJoined: boolean;
}

/** Stands for a session that there is not. */
export const MAX_INDEX = 30;

const index = fc.nat(MAX_INDEX);
const agentType = fc.constantFrom(...AGENT_TYPES);
const purpose = fc.constantFrom<HandoffPurpose>('self', 'team');
const priority = fc.constantFrom(...PRIORITIES);

/** The fields that belong to a kind, without the kind. */
type FieldsOf<K extends Operation['kind']> = Omit<Extract<Operation, { readonly kind: K }>, 'kind'>;

function of<K extends Operation['kind']>(
  kind: K,
  fields: { readonly [Name in keyof FieldsOf<K>]: fc.Arbitrary<FieldsOf<K>[Name]> },
): fc.Arbitrary<Operation> {
  // One kind with its own fields is an operation; the compiler cannot see that of all kinds at once.
  return fc.record<object>({ kind: fc.constant(kind), ...fields }) as fc.Arbitrary<Operation>;
}

const WEIGHTED: readonly (readonly [weight: number, operation: fc.Arbitrary<Operation>])[] = [
  [0.01, of('nothing', {})],
  [1, of('create', { agentType, useWorktree: fc.boolean() })],
  [
    12,
    of('assign', {
      lead: index,
      priority,
      agentType: fc.option(fc.constantFrom(...AGENT_TYPES, 'gamma'), { nil: undefined, freq: 3 }),
    }),
  ],
  [
    3,
    of('previewedAssign', {
      lead: index,
      priority,
      agentType: fc.option(agentType, { nil: undefined, freq: 3 }),
    }),
  ],
  [
    14,
    of('send', {
      from: fc.option(index, { nil: undefined, freq: 4 }),
      to: index,
      purpose: fc.option(purpose, { nil: undefined }),
      priority,
      // Mostly none.
      deadlineMs: fc.constantFrom(
        ...Array.from({ length: 7 }, () => undefined),
        500,
        5_000,
        60_000,
      ),
    }),
  ],
  [1, of('query', { to: index })],
  [3, of('drain', { lead: index, limit: fc.nat(3) })],
  [2, of('autoDispatch', {})],
  [2, of('coordinate', {})],
  [1, of('rebalanceAll', {})],
  [4, of('rebalanceTeam', { lead: index })],
  [12, of('endTurn', { runner: index, stopReason: fc.constant<StopReason>('end_turn') })],
  [2, of('endTurn', { runner: index, stopReason: fc.constantFrom('error', 'refusal') })],
  [
    3,
    of('endAgent', {
      runner: index,
      death: fc.constantFrom<Death>('failed', 'completed', 'killed'),
    }),
  ],
  [1, of('hide', { runner: index })],
  [1, of('show', { runner: index })],
  [1, of('loseReply', { runner: index })],
  [1, of('failLaunch', { failure: fc.constantFrom<LaunchFailure>('no-runner', 'no-agent') })],
  [2, of('stop', { session: index })],
  [1, of('stopTeam', { session: index })],
  [4, of('resume', { session: index })],
  [1, of('delete', { session: index })],
  [1, of('cleanUp', { session: index })],
  [1, of('finish', { session: index })],
  [1, of('timeOut', { session: index })],
  [1, of('markRead', { session: index })],
  [1, of('switchRole', { session: index, role: fc.constantFrom<SessionRole>('lead', 'worker') })],
  [2, of('withdraw', { handoff: index })],
  [2, of('rescue', { handoff: index, to: index, purpose })],
  [4, of('advance', { ms: fc.constantFrom(1_000, 3_000, 11_000, 70_000, 1_300_000) })],
  [3, of('crash', { afterTurns: fc.nat(8) })],
  [1, of('close', {})],
  [
    2,
    of('set', {
      what: fc.constantFrom('autoDispatch', 'agentMissing', 'dirty', 'worktreeFails'),
      value: fc.boolean(),
    }),
  ],
];

/** Sequences of so many steps; about a third of them overlap with the step before. */
export function sequences(length: number): fc.Arbitrary<readonly Step[]> {
  const operation = fc.oneof(
    { withCrossShrink: true },
    // Weights are whole numbers; that of nothing must not be 0, or nothing would be shrunk to.
    ...WEIGHTED.map(([weight, arbitrary]) => ({ weight: weight * 100, arbitrary })),
  );
  const isJoined = fc.nat(2).map((n) => n === 1);
  return fc.array(fc.record({ operation, isJoined }), { minLength: length, maxLength: length });
}

/** One line for people. */
export function describeStep({ operation, isJoined }: Step): string {
  const { kind, ...rest } = operation;
  return `${isJoined ? '+ ' : '  '}${kind} ${JSON.stringify(rest)}`;
}
