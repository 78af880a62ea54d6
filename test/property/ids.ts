import crypto, { type UUID } from 'node:crypto';
import type { Disposable } from '../../src/base/disposable';
import type { Random } from '../fault/random';

/** Has the ids that are made from now on depend on nothing but `random`, so that a run can be repeated. */
export function repeatIds(random: Random): Disposable {
  const original = crypto.randomUUID;
  const digits = (count: number): string =>
    Array.from({ length: count }, () => random.below(16).toString(16)).join('');
  crypto.randomUUID = (): UUID =>
    `${digits(8)}-${digits(4)}-${digits(4)}-${digits(4)}-${digits(12)}`;
  return { dispose: () => (crypto.randomUUID = original) };
}
