import assert from 'node:assert/strict';
import { DEFAULT_RISK_THRESHOLDS, scoreToolCall } from '../../src/domain/risk';

describe('scoreToolCall', () => {
  const tools: readonly (readonly [score: number, names: readonly string[]])[] = [
    [
      0.2,
      ['bash', 'Bash', 'execute', 'shell', 'terminal', 'run', 'run_shell_command', 'run-command'],
    ],
    [
      0.15,
      ['write', 'MultiEdit', 'multi_edit', 'delete', 'move', 'create_file', 'mcp__files__Write'],
    ],
    [0.1, ['edit', 'Edit', 'apply_patch', 'str_replace']],
    [
      0.05,
      ['read', 'search', 'think', 'fetch', 'switch_mode', 'other', '', 'constructor', 'mcp__x'],
    ],
  ];
  for (const [score, names] of tools) {
    it(`gives ${score} to ${names.join(', ')}`, () => {
      for (const name of names) {
        assert.equal(scoreToolCall(name, 'src/a.ts').score, score, name);
      }
    });
  }

  const inputs: readonly (readonly [tool: string, input: string, score: number, action: string])[] =
    [
      ['read', 'src/app.ts', 0.05, 'allow'],
      ['bash', 'npm test', 0.2, 'allow'],
      ['edit', 'config/.env.local', 0.35, 'review'],
      ['write', 'package.json', 0.3, 'allow'],
      ['execute', 'cat package.json', 0.35, 'review'],
      // Secrets outweigh the project's files; of one part, only one rule counts.
      ['read', 'package.json with a secret TOKEN and credentials', 0.3, 'allow'],
      ['bash', 'grep --recursive TODO', 0.45, 'review'],
      ['bash', 'git push origin main', 0.55, 'review'],
      ['bash', 'rm -f build.log', 0.6, 'require_confirmation'],
      ['bash', 'rm -rf build', 0.65, 'require_confirmation'],
      ['bash', 'DROP TABLE users', 0.65, 'require_confirmation'],
      ['bash', 'find . -name x', 0.45, 'review'],
      ['bash', 'git push --force', 0.95, 'block'],
      ['bash', 'rm -rf .', 1, 'block'],
      ['bash', 'rm \t -rf\n /', 1, 'block'],
      ['bash', 'rm -rf / --no-preserve-root; cat ~/.ssh/id_rsa', 1, 'block'],
      ['other', 'rm -rf .', 0.85, 'block'],
    ];
  for (const [tool, input, score, action] of inputs) {
    it(`gives ${score} to ${tool} with ${JSON.stringify(input)}: ${action}`, () => {
      const assessment = scoreToolCall(tool, input);
      assert.deepEqual([assessment.score, assessment.action], [score, action]);
    });
  }

  it('gives a reason for each part that scored', () => {
    assert.deepEqual(scoreToolCall('bash', 'git push --force origin with a token').reasons, [
      'runs a command',
      'touches secrets or credentials',
      'reaches what others share, or everything there is',
      'is hard to undo',
    ]);
    assert.deepEqual(scoreToolCall('write', 'notes.md').reasons, [
      'writes, moves or deletes files',
    ]);
  });

  it('suggests more the higher the score is, each threshold included', () => {
    const thresholds = { review: 0.2, confirm: 0.35, block: 0.55 };
    const actionOf = (input: string): string => scoreToolCall('bash', input, thresholds).action;
    assert.equal(actionOf('ls'), 'review');
    assert.equal(actionOf('cat schema.sql'), 'require_confirmation');
    assert.equal(actionOf('git push origin main'), 'block');
    assert.equal(scoreToolCall('edit', 'a.ts', thresholds).action, 'allow');
  });

  it('has the thresholds that the settings promise', () => {
    assert.deepEqual(DEFAULT_RISK_THRESHOLDS, { review: 0.35, confirm: 0.6, block: 0.85 });
  });
});
