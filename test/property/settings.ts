/** True in the long run: `npm test -- property --long`. */
const IS_LONG = process.env['DEPUTY_FAULT'] === 'long';

/** Sequences that are run, in all. */
export const RUNS = Number(process.env['DEPUTY_PROPERTY_RUNS'] ?? (IS_LONG ? 20_000 : 1_000));

/** Operations of each sequence. */
export const OPERATIONS = 50;

/** For the whole suite, in milliseconds. */
export const TEST_MS = IS_LONG ? 60 * 60_000 : 8 * 60_000;

/**
 * What all choices are drawn from; DEPUTY_PROPERTY_SEED sets it. The short run has the same one each
 * time, the long run another one.
 */
export const SEED = Number(
  process.env['DEPUTY_PROPERTY_SEED'] ?? (IS_LONG ? Date.now() % 1_000_000_000 : 1),
);
