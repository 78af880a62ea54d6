/** True in the long run: `npm run test:fault`. */
const IS_LONG = process.env['DEPUTY_FAULT'] === 'long';

/** For one test of this suite, in milliseconds. */
export const TEST_MS = IS_LONG ? 20 * 60_000 : 60_000;

/** Each test file is a bundle of its own; the first one chooses for all. */
process.env['DEPUTY_FAULT_SEED'] ??= String(IS_LONG ? Date.now() % 1_000_000_000 : 1);

/**
 * What all choices are drawn from; DEPUTY_FAULT_SEED sets it. The short run has the same one each time,
 * the long run another one.
 */
export const SEED = Number(process.env['DEPUTY_FAULT_SEED']);

/** One of the counts of this suite. */
export function count(long: number, short: number): number {
  return IS_LONG ? long : short;
}

/** Tells what was done, below the test that did it. */
export function report(what: string): void {
  console.log(`      ${what} (seed ${SEED})`);
}

/** Groups digits: 48,211. */
export function digits(value: number): string {
  return value.toLocaleString('en-US');
}
