import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { readTail } from '../../src/agents/eventFile';
import { EventLog } from '../../src/runner/eventLog';
import { assertNumbered, eventsIn, line, subscribed } from '../support/eventFolders';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

/** What may happen to a log; what it works on is chosen by a fraction of what there is. */
type Step =
  | { readonly kind: 'append'; readonly sizes: readonly number[] }
  | { readonly kind: 'acknowledge'; readonly part: number }
  | { readonly kind: 'reopen'; readonly torn: string; readonly isCurrentLost: boolean }
  | { readonly kind: 'read'; readonly part: number };

const part = fc.double({ min: 0, max: 1, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), sizes: sizes() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), part }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reopen' as const),
      torn: fc.constantFrom('', '{', '{"seq":1,"at":2,"type":"text","text":"x"}', '\0\0'),
      isCurrentLost: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('read' as const), part }) },
);

function sizes(): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 6 });
}

describe('An event log under any sequence of steps', () => {
  it('has every event that is not applied once, and the kept ones without gaps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 800 }),
        fc.integer({ min: 0, max: 2_000 }),
        async (steps, segmentBytes, keepBytes) => {
          const folder = await makeTempFolder();
          const world = new World(folder, { segmentBytes, keepBytes });
          try {
            await world.open();
            for (const next of steps) await world.perform(next);
          } finally {
            await world.log?.close();
            await removeTempFolder(folder);
          }
        },
      ),
      { numRuns: 25, seed: 7 },
    );
  }).timeout(20_000);
});

/** A log and what should be in it. */
class World {
  log: EventLog | undefined;
  private readonly texts: string[] = [];
  private appliedSeq = 0;

  constructor(
    private readonly folder: string,
    private readonly limits: { readonly segmentBytes: number; readonly keepBytes: number },
  ) {}

  async open(): Promise<EventLog> {
    this.log = await EventLog.open(this.folder, { ...this.limits, appliedSeq: this.appliedSeq });
    return this.log;
  }

  async perform(step: Step): Promise<void> {
    const log = this.log ?? (await this.open());
    const at = (fraction: number): number => Math.ceil(fraction * this.texts.length);
    switch (step.kind) {
      case 'append':
        for (const size of step.sizes) {
          const text = `${this.texts.length + 1}`.padEnd(size, '.');
          this.texts.push(text);
          log.append(line(text));
        }
        await log.flush();
        break;
      case 'acknowledge':
        this.appliedSeq = Math.max(this.appliedSeq, at(step.part));
        await log.acknowledge(at(step.part));
        break;
      case 'reopen':
        await log.close();
        await this.crash(step.torn, step.isCurrentLost);
        await this.open();
        break;
      case 'read':
        return this.check(Math.max(1, at(step.part)));
    }
    await this.check(1);
  }

  /** Leaves the files as a crash of the runner could, at one of the steps of a rotation or in a write. */
  private async crash(torn: string, isCurrentLost: boolean): Promise<void> {
    const current = path.join(this.folder, 'events.ndjson');
    const { size } = await fs.stat(current);
    if (isCurrentLost && size > 0) {
      const [first = ''] = (await fs.readFile(current, 'utf8')).split(',');
      const seq = first.slice('{"seq":'.length).padStart(12, '0');
      await fs.rename(current, path.join(this.folder, `events-${seq}.ndjson`));
    }
    await fs.appendFile(current, torn);
  }

  private async check(fromSeq: number): Promise<void> {
    const { log, texts } = this;
    assert.ok(log);
    assert.equal(log.writtenSeq, texts.length);
    const events = await eventsIn(this.folder, fromSeq);
    const first = events[0]?.seq ?? texts.length + 1;
    assert.ok(first <= Math.max(fromSeq, this.appliedSeq + 1), `${first} is too late`);
    assertNumbered(events, first, texts.length);
    for (const event of events) {
      assert.ok(event.type === 'stderr' && event.text === texts[event.seq - 1]);
    }
    assert.deepEqual(await subscribed(log, fromSeq), events);
    const tail = await readTail(this.folder, 500);
    assert.deepEqual(tail.events, tail.events.length > 0 ? events.slice(-tail.events.length) : []);
    assert.equal(tail.isCut, tail.events.length < texts.length);
  }
}
