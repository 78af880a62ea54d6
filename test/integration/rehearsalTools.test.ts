import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { runProcess } from '../../src/agents/rehearsal/process';
import type { RehearsalClient } from './rehearsalClient';
import { listenForLives, RehearsalStage } from './rehearsalStage';

const execute = promisify(execFile);

describe('rehearsal agent: files and programs', function () {
  this.timeout(20_000);
  const stage = RehearsalStage.forEachTest();
  const fileText = async (name: string): Promise<string> =>
    fs.readFile(path.join(stage.cwd, name), 'utf8');

  describe('files', () => {
    it('are written, added to, read and deleted', async () => {
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      await client.prompt(id, 'write deep/er/a.txt one\\ntwo', 'append deep/er/a.txt three');
      assert.equal(await fileText('deep/er/a.txt'), 'one\ntwo\nthree\n');
      await client.prompt(id, 'read deep/er/a.txt');
      assert.match(client.text, /deep\/er\/a\.txt holds:\none\ntwo\nthree\n/);
      await client.prompt(id, 'delete deep/er/a.txt');
      assert.deepEqual(await fs.readdir(path.join(stage.cwd, 'deep/er')), []);
      const file = path.join(stage.cwd, 'deep/er/a.txt');
      assert.deepEqual(
        client.toolCalls.map(({ kind, status, locations }) => ({ kind, status, locations })),
        ['edit', 'edit', 'read', 'delete'].map((kind) => ({
          kind,
          status: 'completed',
          locations: [{ path: file }],
        })),
      );
    });

    it('that are not there, or are folders, are told and the turn goes on', async () => {
      await fs.mkdir(path.join(stage.cwd, 'a.folder'));
      const client = await stage.act(
        'read no.txt',
        'delete no.txt',
        'delete a.folder',
        'write a.folder x',
        'say end',
      );
      assert.equal(client.text.match(/There is no file no\.txt/g)?.length, 2);
      assert.match(client.text, /a\.folder is a folder/);
      assert.match(client.text, /"write": EISDIR/);
      assert.match(client.text, /end\n$/);
      assert.deepEqual(new Set(client.toolCalls.map(({ status }) => status)), new Set(['failed']));
    });

    it('outside the folder are refused', async () => {
      const outside = path.join(stage.root, 'outside.txt');
      await fs.writeFile(outside, 'keep');
      const client = await stage.act(
        'write ../outside.txt x',
        `append ${outside} x`,
        'read deep/../../outside.txt',
        'delete ../outside.txt',
        'write . x',
      );
      assert.equal(client.text.match(/is not inside/g)?.length, 5);
      assert.equal(await fs.readFile(outside, 'utf8'), 'keep');
      assert.deepEqual(client.toolCalls, []);
    });

    it('outside the folder are refused behind links too', async function () {
      if (process.platform === 'win32') this.skip();
      await fs.symlink(stage.root, path.join(stage.cwd, 'link.d'));
      await fs.symlink(path.join(stage.root, 'made.txt'), path.join(stage.cwd, 'dangling.txt'));
      const client = await stage.act('write link.d/made.txt x', 'write dangling.txt x');
      assert.equal(client.text.match(/is not inside/g)?.length, 2);
      assert.deepEqual((await fs.readdir(stage.root)).sort(), ['home', 'work']);
    });

    it('whose names begin with two dots are inside', async () => {
      await stage.act('write ..a.txt x');
      assert.equal(await fileText('..a.txt'), 'x\n');
    });
  });

  describe('run', () => {
    it('shows the output and tells the exit code', async () => {
      await fs.writeFile(
        path.join(stage.cwd, 'tool.js'),
        'console.log(process.cwd(), process.argv[2]); console.error("hm"); process.exitCode = 3;',
      );
      const { text, toolCalls } = await stage.act(`run "${process.execPath}" tool.js "two words"`);
      assert.match(text, /tool\.js two words: exit code 3\.\n$/);
      const [call] = toolCalls;
      assert.equal(call?.kind, 'execute');
      assert.equal(call.status, 'failed');
      const [content] = call.content ?? [];
      assert.ok(content?.type === 'content' && content.content.type === 'text');
      assert.match(content.content.text, new RegExp(`^${stage.cwd} two words$`, 'm'));
      assert.match(content.content.text, /^hm$/m);
    });

    it('shows output while the program still runs', async () => {
      await fs.writeFile(
        path.join(stage.cwd, 'tool.js'),
        'console.log("begun"); process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e6);',
      );
      const client = await stage.start();
      const id = await client.begin(stage.cwd);
      const turn = client.prompt(id, `run "${process.execPath}" tool.js`);
      await client.until(() => client.toolCalls.find(isShowing('begun')));
      await client.cancel(id);
      assert.deepEqual(await turn, { stopReason: 'cancelled' });
    });

    it('tells when there is no such program', async () => {
      const { text } = await stage.act('run no-such-program-here', 'say after');
      assert.match(text, /"no-such-program-here" could not be started: there is no such program/);
      assert.match(text, /after\n$/);
    });

    it('ends what a program leaves in the background', async function () {
      if (process.platform === 'win32') this.skip();
      const witness = await listenForLives(path.join(stage.root, 'socket'));
      await fs.writeFile(
        path.join(stage.cwd, 'tool.js'),
        `if (process.argv[2]) require('net').connect(${JSON.stringify(witness.address)}, () => console.log('there'));
         else require('child_process').spawn(process.execPath, [__filename, 'child']).stdout.once('data', () => process.exit(0));`,
      );
      const { text } = await stage.act(`run "${process.execPath}" tool.js`);
      assert.match(text, /exit code 0/);
      await witness.allGone();
    });

    it('lets a program tidy up when it is stopped', async function () {
      if (process.platform === 'win32') this.skip();
      await fs.writeFile(
        path.join(stage.cwd, 'tool.js'),
        `process.on('SIGTERM', () => setTimeout(() => { require('fs').writeFileSync('tidied.txt', ''); process.exit(0); }, 200));
         setInterval(() => {}, 1e6); console.log('begun');`,
      );
      const client = await stage.start();
      const turn = client.prompt(
        await client.begin(stage.cwd),
        `run "${process.execPath}" tool.js`,
        'write after.txt x',
      );
      turn.catch(() => undefined);
      await client.until(() => client.toolCalls.find(isShowing('begun')));
      assert.deepEqual(await client.end(), { code: 0, signal: null });
      assert.equal(client.stderr, '');
      assert.deepEqual((await fs.readdir(stage.cwd)).sort(), ['tidied.txt', 'tool.js']);
    });

    it('stops a program at once when the turn is already cancelled', async () => {
      const options = { program: process.execPath, args: ['-e', 'setInterval(() => {}, 1e6)'] };
      const end = await runProcess(
        { ...options, cwd: stage.cwd, onOutput: () => undefined },
        AbortSignal.abort(),
      );
      assert.notEqual(end.code, 0);
    });

    for (const [what, cause, stopReason] of [
      ['a cancelled turn', 'cancel', 'cancelled'],
      ['the end of input', 'end', undefined],
      ['SIGTERM', 'SIGTERM', undefined],
      ['closing the conversation', 'close', 'cancelled'],
      ['the end that another conversation asks for', 'exit', undefined],
    ] as const) {
      it(`leaves no program, and nothing that it started, after ${what}`, async function () {
        if (process.platform === 'win32') this.skip();
        const witness = await listenForLives(path.join(stage.root, 'socket'));
        // Ignores the polite signal, and so does the child that it starts.
        await fs.writeFile(
          path.join(stage.cwd, 'tool.js'),
          `process.on('SIGTERM', () => {});
           require('net').connect(${JSON.stringify(witness.address)});
           if (!process.argv[2]) require('child_process').spawn(process.execPath, [__filename, 'child']);`,
        );
        const client = await stage.start();
        const id = await client.begin(stage.cwd);
        const turn = client.prompt(id, `run "${process.execPath}" tool.js`);
        turn.catch(() => undefined);
        await witness.connected(2);
        if (cause === 'cancel') await client.cancel(id);
        else if (cause === 'close') await client.agent.request('session/close', { sessionId: id });
        else if (cause === 'end') assert.deepEqual(await client.end(), { code: 0, signal: null });
        else if (cause === 'exit') {
          await assert.rejects(client.prompt(await client.begin(stage.cwd), 'exit 0'));
        } else {
          client.child.kill(cause);
          assert.deepEqual(await client.exited, { code: null, signal: 'SIGTERM' });
        }
        if (stopReason) assert.equal((await turn).stopReason, stopReason);
        await witness.allGone();
      });
    }
  });

  describe('commit', () => {
    it('commits all changes, without an identity of the repository', async () => {
      await execute('git', ['init', stage.cwd]);
      const client = await stage.act('write notes.txt Hello', 'commit Add notes', 'commit Nothing');
      const log = await execute('git', [
        '-C',
        stage.cwd,
        'log',
        '--format=%h %an %s',
        '--name-only',
      ]);
      const [head, blank, file] = log.stdout.split('\n');
      assert.match(head ?? '', /^[0-9a-f]+ Rehearsal Agent Add notes$/);
      assert.deepEqual([blank, file], ['', 'notes.txt']);
      assert.ok(client.text.includes(`Committed ${(head ?? '').split(' ')[0] ?? ''}: Add notes\n`));
      assert.match(client.text, /There is nothing to commit\.\n$/);
      const { stdout } = await execute('git', ['-C', stage.cwd, 'status', '--porcelain']);
      assert.equal(stdout, '');
    });

    it('tells why it cannot', async () => {
      const { text } = await stage.act('commit Into nothing');
      assert.match(text, /The commit failed: exit code 128\. .*not a git repository/s);
    });
  });
});

/** Looks for a tool call whose content holds `text`. */
function isShowing(text: string): (call: RehearsalClient['toolCalls'][number]) => boolean {
  return ({ content }) => JSON.stringify(content ?? []).includes(text);
}
