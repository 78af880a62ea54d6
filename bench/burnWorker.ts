// A worker thread that does nothing but use a core for `ms` milliseconds.
import { workerData } from 'node:worker_threads';

const { ms } = workerData as { ms: number };
const endMs = performance.now() + ms;
let sum = 0;
while (performance.now() < endMs) {
  for (let n = 0; n < 10_000; n++) sum = (sum * 31 + n) % 1_000_003;
}
if (sum < 0) throw new Error('The loop above is needed.');
