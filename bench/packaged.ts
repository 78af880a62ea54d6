import { packageVsix } from '../test/tools/package';
import type { Bench } from './bench';
import type { Section } from './report';

const MOST_BYTES = 1.5 * 2 ** 20;

/** How much everybody who installs the extension has to load. */
export const packageBench: Bench = { name: 'package', run };

async function run(): Promise<Section> {
  const { bytes } = await packageVsix();
  return {
    title: 'Size of the extension',
    notes: ['The .vsix of the bundles that were measured, minified as they ship.'],
    rows: [
      {
        what: 'the .vsix',
        unit: 'bytes',
        measured: bytes,
        beside: { what: 'what was set', value: MOST_BYTES },
        bar: 1,
      },
    ],
  };
}
