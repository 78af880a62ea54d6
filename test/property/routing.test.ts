import * as fc from 'fast-check';
import { sequences } from './operations';
import { runSequence } from './sequence';
import { OPERATIONS, RUNS, SEED, TEST_MS } from './settings';

describe('Sessions, handoffs and routing', function () {
  this.timeout(TEST_MS);

  it('lose, repeat and double no work, whatever happens in whatever order', async () => {
    const property = fc.asyncProperty(sequences(OPERATIONS), fc.nat(), runSequence);
    const result = await fc.check(property, { numRuns: RUNS, seed: SEED });
    if (result.failed) {
      const where = `DEPUTY_PROPERTY_SEED=${result.seed}, run ${result.numRuns}, after ${result.numShrinks} simplifications`;
      throw new Error(`${where}: ${String(result.errorInstance)}`);
    }
    console.log(`      ${RUNS} sequences of ${OPERATIONS} operations (seed ${SEED})`);
  });
});
