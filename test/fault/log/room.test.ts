import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { delay } from '../../../src/base/async';
import { errorCode } from '../../../src/base/errors';
import { built } from '../../host/paths';
import { run } from '../../host/run';
import { eventsIn } from '../../support/eventFolders';
import { assertContiguous, RunnerStage, type EventTap } from '../../support/runnerStage';
import { digits, report, TEST_MS } from '../store/settings';

const MOUNT_BYTES = 100 * 1024 * 1024;
const FILL_BYTES = 1024 * 1024;

/**
 * Starts a runner whose session folder is a small file system of its own, seen by nobody else and gone
 * with the process. Stands for the program that runs JavaScript: gets the runner's program and the folder.
 */
const script = (maxFullMs: number): string => `#!/bin/sh
launch=$(cat "$2/launch.json")
exec unshare --mount sh -c 'mount -t tmpfs -o size=${MOUNT_BYTES},mode=700 none "$1" &&
  printf %s "$2" > "$1/launch.json" && exec "$3" "$4" "$1" ${maxFullMs}' \\
  sh "$2" "$launch" "${process.execPath}" "${built('fixtures', 'roomRunner')}"
`;

// Only Linux has what this needs, and only for root.
if (process.platform === 'linux') {
  describe('A session on a full disk', function () {
    this.timeout(TEST_MS);
    let stage: RunnerStage | undefined;
    afterEach(async () => {
      await stage?.dispose();
      stage = undefined;
    });

    /** @returns undefined where this cannot be tried */
    const start = async (task: string, maxFullMs: number): Promise<EventTap | undefined> => {
      stage = await RunnerStage.make('normal', { task, graceMs: 500 });
      try {
        await run('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', stage.folder]);
      } catch {
        report('full file system: mounting is not permitted here');
        return undefined;
      }
      const node = path.join(stage.folder, 'mounted-node');
      await fs.writeFile(node, script(maxFullMs), { mode: 0o700 });
      await stage.startRunner(node);
      return stage.follow();
    };
    /** The session's folder as the runner sees it. */
    const inside = (name = ''): string => {
      assert.ok(stage);
      return path.join(`/proc/${stage.runnerPid}/root`, stage.sessionFolder, name);
    };
    const fill = async (): Promise<void> => {
      const handle = await fs.open(inside('filler'), 'a');
      const bytes = Buffer.alloc(FILL_BYTES);
      try {
        for (let length = FILL_BYTES; length >= 1;) {
          try {
            await handle.appendFile(bytes.subarray(0, length));
          } catch (error) {
            if (errorCode(error) !== 'ENOSPC') throw error;
            length = Math.floor(length / 2);
          }
        }
      } finally {
        await handle.close();
      }
    };
    /** Settles when nothing is written any more; there is no event for that. */
    const standstill = async (): Promise<number> => {
      assert.ok(stage);
      for (let last = -1; ;) {
        const connection = await stage.connect();
        connection.close();
        if (connection.lastSeq === last) return last;
        last = connection.lastSeq;
        await delay(200);
      }
    };

    it('holds the agent up, and loses nothing when there is room again', async () => {
      const count = 40_000;
      const tap = await start(`flood ${count}`, 60_000);
      if (!tap || !stage) return;
      for (const until of [1_000, 10_000]) {
        await tap.next('tool-call', ({ toolCallId }) => toolCallId === `flood-${until}`);
        await fill();
        const seq = await standstill();
        assert.ok(seq < count, `${seq} events were written before the disk was full`);
        await fs.rm(inside('filler'));
      }
      assert.equal((await tap.turnEnd('task-1')).stopReason, 'end_turn');
      assertContiguous(tap.events);
      const calls = tap.events.flatMap((event) =>
        event.type === 'tool-call' ? [event.toolCallId] : [],
      );
      assert.equal(calls.length, count);
      assert.ok(calls.every((id, index) => id === `flood-${index + 1}`));
      assert.deepEqual(await eventsIn(inside()), tap.events);
      report(`full file system: ${digits(count)} events of a flood, held up twice, lost 0`);
    });

    it('ends as failed with its reason when it stays full, and leaves nothing behind', async () => {
      const tap = await start('flood 40000', 500);
      if (!tap || !stage) return;
      await tap.next('tool-call', ({ toolCallId }) => toolCallId === 'flood-1000');
      await fill();
      const { reason, detail } = await tap.next('exit');
      assert.equal(reason, 'failed');
      assert.ok(detail?.includes('disk is full') && detail.includes(stage.sessionFolder), detail);
      await tap.closed();
      assertContiguous(tap.events);
      assert.equal(tap.events.at(-1)?.type, 'exit');
      await stage.whenGone();
    });

    it('can be stopped at once', async () => {
      const tap = await start('flood 40000', 600_000);
      if (!tap || !stage) return;
      await tap.next('tool-call', ({ toolCallId }) => toolCallId === 'flood-1000');
      await fill();
      await standstill();
      await tap.connection.send({ id: 'stop-1', command: 'stop', intent: 'stop' });
      assert.equal((await tap.next('exit')).reason, 'stopped');
      await tap.closed();
      assertContiguous(tap.events);
      await stage.whenGone();
    });

    it('refuses a prompt, keeps the agent, and takes the prompt when there is room', async () => {
      const tap = await start('echo hello', 500);
      if (!tap || !stage) return;
      await tap.turnEnd('task-1');
      await fill();
      const prompt = { id: 'p', command: 'prompt', text: `echo ${'y'.repeat(10_000)}` } as const;
      const refused = await tap.connection.send(prompt);
      assert.ok(!refused.ok && refused.error.includes('disk is full'), JSON.stringify(refused));
      assert.ok((await stage.livingAgents()).length > 0);
      await fs.rm(inside('filler'));
      assert.equal(await tap.say('p', 'echo taken'), 'taken');
      assertContiguous(tap.events);
    });
  });
}
