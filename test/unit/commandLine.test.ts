import assert from 'node:assert/strict';
import { commandLine } from '../../src/agents/cli/commandLine';
import { UserError } from '../../src/base/errors';

const TASK = { args: ['--flag'], prompt: 'do it', conversationId: undefined };
const CLAUDE = ['-p', '--output-format', 'stream-json', '--verbose'];

describe('commandLine', () => {
  it('starts Claude Code with the prompt on its input', () => {
    assert.deepEqual(commandLine({ ...TASK, format: 'claude' }), {
      args: ['--flag', ...CLAUDE],
      input: 'do it',
    });
    assert.deepEqual(commandLine({ ...TASK, format: 'claude', conversationId: 'c' }).args, [
      '--flag',
      ...CLAUDE,
      '--resume',
      'c',
    ]);
  });

  it('starts Codex with the prompt on its input', () => {
    assert.deepEqual(commandLine({ ...TASK, format: 'codex' }), {
      args: ['exec', '--json', '--flag', '-'],
      input: 'do it',
    });
    assert.deepEqual(commandLine({ ...TASK, format: 'codex', conversationId: 'c' }).args, [
      'exec',
      '--json',
      '--flag',
      'resume',
      'c',
      '-',
    ]);
  });

  it('puts the prompt where a plain command wants it', () => {
    assert.deepEqual(commandLine({ ...TASK, format: 'plain' }), {
      args: ['--flag'],
      input: 'do it',
    });
    // Neither the prompt nor what a replacement text would expand changes anything else.
    const prompt = "$& $' {prompt} $(date)";
    assert.deepEqual(
      commandLine({ ...TASK, format: 'plain', prompt, args: ['-m', '{prompt}', 'x={prompt}!'] }),
      { args: ['-m', prompt, `x=${prompt}!`], input: '' },
    );
  });

  it('refuses a prompt that cannot be an argument', () => {
    const give = (prompt: string, args: string[]) =>
      commandLine({ ...TASK, format: 'plain', prompt, args });
    assert.throws(() => give('a\0b', ['{prompt}']), UserError);
    assert.throws(() => give('ä'.repeat(100_000), ['{prompt}']), UserError);
    assert.equal(give('ä'.repeat(100_000), []).input.length, 100_000);
  });
});
