import assert from 'node:assert/strict';
import type { Command } from '../../src/agents/rehearsal/command';
import { HELP, parseScript } from '../../src/agents/rehearsal/script';
import { splitWords } from '../../src/agents/rehearsal/words';

const understood: [line: string, command: Command][] = [
  ['say Hello, world', { kind: 'say', text: 'Hello, world' }],
  ['say one\\ntwo', { kind: 'say', text: 'one\ntwo' }],
  ['say the word', { kind: 'say', text: 'the word' }],
  ['SAY Hello', { kind: 'say', text: 'Hello' }],
  ['  Say   two  blanks  ', { kind: 'say', text: 'two  blanks' }],
  ['say\tafter a tab', { kind: 'say', text: 'after a tab' }],
  ['say one; two', { kind: 'say', text: 'one; two' }],
  ['think Why?', { kind: 'think', text: 'Why?' }],
  ['plan look', { kind: 'plan', steps: ['look'] }],
  ['plan look | change it | test', { kind: 'plan', steps: ['look', 'change it', 'test'] }],
  ['plan | look || test |', { kind: 'plan', steps: ['look', 'test'] }],
  ['write a.txt Hello there', { kind: 'write', path: 'a.txt', text: 'Hello there' }],
  ['write a.txt one\\ntwo', { kind: 'write', path: 'a.txt', text: 'one\ntwo' }],
  ['write a.txt', { kind: 'write', path: 'a.txt', text: '' }],
  ['write docs/notes x', { kind: 'write', path: 'docs/notes', text: 'x' }],
  ['write ./LICENSE MIT', { kind: 'write', path: './LICENSE', text: 'MIT' }],
  ['write "my notes.txt" x y', { kind: 'write', path: 'my notes.txt', text: 'x y' }],
  ["write 'LICENSE' MIT", { kind: 'write', path: 'LICENSE', text: 'MIT' }],
  ['write a.txt "kept as it is"', { kind: 'write', path: 'a.txt', text: '"kept as it is"' }],
  ['write ../a.txt x', { kind: 'write', path: '../a.txt', text: 'x' }],
  ['append a.txt more', { kind: 'append', path: 'a.txt', text: 'more' }],
  ['read a.txt', { kind: 'read', path: 'a.txt' }],
  ['read "a b.txt"', { kind: 'read', path: 'a b.txt' }],
  ['delete src/a.ts', { kind: 'delete', path: 'src/a.ts' }],
  ['run node -v', { kind: 'run', program: 'node', args: ['-v'] }],
  [
    'run git commit -m "two words"',
    { kind: 'run', program: 'git', args: ['commit', '-m', 'two words'] },
  ],
  ['run node -e \'a("b")\'', { kind: 'run', program: 'node', args: ['-e', 'a("b")'] }],
  ['run C:\\bin\\x.exe \\n', { kind: 'run', program: 'C:\\bin\\x.exe', args: ['\\n'] }],
  ['commit Add notes', { kind: 'commit', message: 'Add notes' }],
  ['ask May I?', { kind: 'ask', title: 'May I?' }],
  ['wait 2', { kind: 'wait', seconds: 2 }],
  ['wait 0.25', { kind: 'wait', seconds: 0.25 }],
  ['wait .5', { kind: 'wait', seconds: 0.5 }],
  ['pace 20', { kind: 'pace', ms: 20 }],
  ['fail The model is gone', { kind: 'fail', message: 'The model is gone' }],
  ['exit 0', { kind: 'exit', code: 0 }],
  ['exit 255', { kind: 'exit', code: 255 }],
  ['crash', { kind: 'crash' }],
  ['flood 5120', { kind: 'flood', kilobytes: 5120 }],
  ['count 40', { kind: 'count', lines: 40, ms: 0 }],
  ['count 40 25', { kind: 'count', lines: 40, ms: 25 }],
  ['usage 1200', { kind: 'usage', tokens: 1200, usd: undefined }],
  ['usage 1200 0.05', { kind: 'usage', tokens: 1200, usd: 0.05 }],
  ['recall', { kind: 'recall' }],
  ['remember', { kind: 'recall' }],
  ['refuse', { kind: 'refuse' }],
  ['stderr careful', { kind: 'stderr', text: 'careful' }],
  ['Help', { kind: 'help' }],
  ['ignore-sigterm', { kind: 'ignore-sigterm' }],
  ['spawn-detached', { kind: 'spawn-detached' }],
];

describe('parseScript', () => {
  for (const [line, command] of understood) {
    it(`understands ${JSON.stringify(line)}`, () => {
      assert.deepEqual(parseScript(line), [command]);
    });
  }

  const sentences = [
    'Fix the bug in the parser',
    'Help me with the tests',
    'Crash on startup must not happen',
    'Remember the milk',
    'Refuse to work',
    'Help!',
    'say: hello',
    'writes a.txt hello',
    'delegate claude do it',
    'éàü',
    '42',
  ];
  for (const line of sentences) {
    it(`takes ${JSON.stringify(line)} as a sentence`, () => {
      assert.deepEqual(parseScript(line), [{ kind: 'text', text: line }]);
    });
  }

  const problems: [line: string, why: RegExp][] = [
    ['say', /nothing after.*say TEXT/],
    ['fail', /nothing after.*fail MESSAGE/],
    ['commit', /nothing after.*commit MESSAGE/],
    ['plan | |', /no step.*plan STEP/],
    ['write', /no path.*write PATH TEXT/],
    ['Write a test for the parser', /dot or a slash, such as \.\/a\..*write PATH TEXT/],
    ['delete everything', /dot or a slash/],
    ['read a.txt and b.txt', /one path.*read PATH/],
    ['run', /no program.*run PROGRAM/],
    ['run ""', /no program/],
    ['run echo "open', /quote is not closed/],
    ["Run the tests, don't stop", /quote is not closed/],
    ['wait', /"" is not a number.*wait SECONDS/],
    ['wait abc', /"abc" is not a number.*wait SECONDS/],
    ['wait -1', /"-1" is not a number/],
    ['wait 1 2', /"1 2" is not a number/],
    ['wait 1e3', /"1e3" is not a number/],
    ['wait 1000000', /1000000 is too much: 86400/],
    ['exit', /not a number.*exit CODE/],
    ['exit 256', /256 is too much: 255/],
    ['exit 1.5', /not a number/],
    ['flood 1.5', /not a number/],
    ['count', /not a number.*count LINES/],
    ['count 5 slowly', /"slowly" is not a number/],
    ['usage', /not a number.*usage TOKENS/],
    ['usage many', /"many" is not a number/],
    ['usage 10 dear', /"dear" is not a number/],
    ['usage 10 1 2', /"1 2" is not a number/],
  ];
  for (const [line, why] of problems) {
    it(`says what is wrong with ${JSON.stringify(line)}`, () => {
      const [command, ...more] = parseScript(line);
      assert.deepEqual(more, []);
      assert.ok(command?.kind === 'problem', `got ${String(command?.kind)}`);
      assert.equal(command.line, line);
      assert.match(command.why, why);
    });
  }

  it('keeps the order of the lines and drops blank ones', () => {
    assert.deepEqual(parseScript('\r\nsay one\r\n\r\n  \nDo it.\nsay two\n'), [
      { kind: 'say', text: 'one' },
      { kind: 'text', text: 'Do it.' },
      { kind: 'say', text: 'two' },
    ]);
  });

  it('makes nothing of an empty task', () => {
    assert.deepEqual(parseScript(' \n\t\n'), []);
  });
});

describe('HELP', () => {
  it('names every command once, each as the parser knows it', () => {
    const named = HELP.split('\n').map(firstWord).sort();
    const tested = new Set(understood.map(([line]) => firstWord(line.trim().toLowerCase())));
    assert.deepEqual(named, [...tested].sort());
  });
});

describe('splitWords', () => {
  const cases: [line: string, words: string[] | undefined][] = [
    ['', []],
    ['   ', []],
    ['a  b\tc', ['a', 'b', 'c']],
    [`"a b" 'c d'`, ['a b', 'c d']],
    [`a"b c"d`, ['ab cd']],
    [`'' ""`, ['', '']],
    [`"it's"`, ["it's"]],
    ['a\\ b', ['a\\', 'b']],
    ["it's", undefined],
  ];
  for (const [line, words] of cases) {
    it(`cuts ${JSON.stringify(line)}`, () => assert.deepEqual(splitWords(line), words));
  }
});

function firstWord(line: string): string {
  return line.split(/\s/)[0] ?? '';
}
