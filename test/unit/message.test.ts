import assert from 'node:assert/strict';
import {
  checkMessage,
  encodeMessage,
  InvalidMessageError,
  parseMessage,
  previewOf,
  shorten,
  taskOf,
  type HandoffTask,
  type MessageBody,
} from '../../src/domain/message';

const TASK: HandoffTask = {
  task: 'fix the build',
  context: 'it fails on main',
  priority: 'normal',
  agentType: undefined,
};

const BODIES: readonly MessageBody[] = [
  { type: 'task_handoff', ...TASK },
  { type: 'task_handoff', ...TASK, priority: 'critical', agentType: 'claude' },
  { type: 'query', question: 'which port?' },
  { type: 'response', answer: '8080' },
  { type: 'completed', summary: 'built', filesChanged: ['a.ts', 'b.ts'] },
  { type: 'conflict', file: 'a.ts', description: 'both changed it' },
];

/** A body as it comes from outside, where types do not hold. */
function fromOutside(fields: Readonly<Record<string, unknown>>): MessageBody {
  return fields as unknown as MessageBody;
}

describe('encodeMessage', () => {
  it('tags each kind of message', () => {
    assert.deepEqual(BODIES.map(encodeMessage), [
      '{"TaskHandoff":{"task":"fix the build","context":"it fails on main","priority":"normal"}}',
      '{"TaskHandoff":{"task":"fix the build","context":"it fails on main","priority":"critical","agentType":"claude"}}',
      '{"Query":{"question":"which port?"}}',
      '{"Response":{"answer":"8080"}}',
      '{"Completed":{"summary":"built","filesChanged":["a.ts","b.ts"]}}',
      '{"Conflict":{"file":"a.ts","description":"both changed it"}}',
    ]);
  });
});

describe('parseMessage', () => {
  it('reads what was encoded', () => {
    for (const body of BODIES) {
      assert.deepEqual(parseMessage(body.type, encodeMessage(body)), body);
    }
  });

  it('reads older handoffs: without a tag, and plain text', () => {
    const blank = { type: 'task_handoff', context: '', priority: 'normal', agentType: undefined };
    assert.deepEqual(parseMessage('task_handoff', '{"task":"t","context":"c","priority":"high"}'), {
      ...blank,
      task: 't',
      context: 'c',
      priority: 'high',
    });
    assert.deepEqual(parseMessage('task_handoff', '{"task":"t"}'), { ...blank, task: 't' });
    assert.deepEqual(parseMessage('task_handoff', 'do it'), { ...blank, task: 'do it' });
  });

  it('reads the older name of the changed files, and none as none', () => {
    const body = { type: 'completed', summary: 's', filesChanged: ['a'] };
    assert.deepEqual(
      parseMessage('completed', '{"Completed":{"summary":"s","files_changed":["a"]}}'),
      body,
    );
    assert.deepEqual(parseMessage('completed', '{"Completed":{"summary":"s"}}'), {
      ...body,
      filesChanged: [],
    });
  });

  const damaged: readonly (readonly [type: string, content: string])[] = [
    ['gossip', '{"Query":{"question":"q"}}'],
    ['toString', '{}'],
    ['', ''],
    ['query', 'plain text'],
    ['query', ''],
    ['query', '{"Query":'],
    ['query', '{"question":"q"}'],
    ['query', '{"Query":{"question":7}}'],
    ['query', '{"Query":null}'],
    ['query', 'null'],
    ['query', '[]'],
    ['query', '{"Response":{"answer":"a"}}'],
    ['response', '{"Response":["a"]}'],
    ['completed', '{"Completed":{"filesChanged":[]}}'],
    ['completed', '{"Completed":{"summary":"s","filesChanged":"a.ts"}}'],
    ['completed', '{"Completed":{"summary":"s","filesChanged":["a.ts",7]}}'],
    ['conflict', '{"Conflict":{"file":"a.ts"}}'],
    ['conflict', '{"Conflict":{"description":"d"}}'],
  ];
  for (const [type, content] of damaged) {
    it(`does not understand ${type || 'no type'} with ${content || 'no content'}`, () => {
      assert.equal(parseMessage(type, content), undefined);
    });
  }
});

describe('taskOf', () => {
  it('takes an unknown priority as normal, and a context that is no text as none', () => {
    assert.deepEqual(taskOf('{"TaskHandoff":{"task":"t","context":5,"priority":"urgent"}}'), {
      task: 't',
      context: '',
      priority: 'normal',
      agentType: undefined,
    });
  });

  it('takes the whole content where there is no task in it', () => {
    const contents = ['', 'null', '7', '["task"]', '{"task":7}', '{"TaskHandoff":{}}', '{"Task'];
    for (const content of contents) assert.equal(taskOf(content).task, content);
  });

  it('prefers the tagged task', () => {
    assert.equal(taskOf('{"TaskHandoff":{"task":"tagged"},"task":"bare"}').task, 'tagged');
  });
});

describe('previewOf', () => {
  const preview = (body: MessageBody, maxLength?: number): string =>
    previewOf(body, encodeMessage(body), maxLength);

  it('says in a line what each kind of message is about', () => {
    assert.deepEqual(
      BODIES.map((body) => preview(body)),
      [
        'handoff fix the build',
        'handoff [critical] fix the build',
        'query which port?',
        'response 8080',
        'completed built | 2 files',
        'conflict a.ts | both changed it',
      ],
    );
  });

  it('counts one file as one, and leaves none out', () => {
    const body = { type: 'completed', summary: 'built' } as const;
    assert.equal(preview({ ...body, filesChanged: ['a'] }), 'completed built | 1 file');
    assert.equal(preview({ ...body, filesChanged: [] }), 'completed built');
  });

  it('cuts the text, and earlier where more is shown beside it', () => {
    const text = 'x'.repeat(60);
    const cut = (length: number): string => `${'x'.repeat(length - 1)}…`;
    const task = { ...TASK, type: 'task_handoff', task: text } as const;
    const completed = { type: 'completed', summary: text } as const;
    assert.equal(preview(task), `handoff ${cut(56)}`);
    assert.equal(preview(task, 20), `handoff ${cut(20)}`);
    assert.equal(preview({ ...task, priority: 'high' }), `handoff [high] ${cut(48)}`);
    assert.equal(preview({ type: 'query', question: text }), `query ${cut(56)}`);
    assert.equal(preview({ type: 'response', answer: text }), `response ${cut(56)}`);
    assert.equal(preview({ ...completed, filesChanged: [] }), `completed ${cut(56)}`);
    assert.equal(
      preview({ ...completed, filesChanged: ['a', 'b'] }),
      `completed ${cut(48)} | 2 files`,
    );
    const conflict: MessageBody = { type: 'conflict', file: 'a.ts', description: text };
    assert.equal(preview(conflict), `conflict a.ts | ${cut(40)}`);
    assert.equal(preview(conflict, 4), 'conflict a.ts | …');
  });

  it('leaves a text alone that just fits', () => {
    const question = 'x'.repeat(56);
    assert.equal(preview({ type: 'query', question }), `query ${question}`);
  });

  it('shows the end of a long path', () => {
    const file = `${'folder/'.repeat(20)}panel.ts`;
    const shown = preview({ type: 'conflict', file, description: 'd' }, 12);
    assert.equal(shown, 'conflict …er/panel.ts | d');
  });

  it('cuts between characters as a person counts them', () => {
    const question = '👩‍💻'.repeat(80);
    assert.equal(preview({ type: 'query', question }), `query ${'👩‍💻'.repeat(55)}…`);
  });

  it('is one line, whatever the text holds', () => {
    const question = '  first\r\n\n\tsecond\u2028third\u0007fourth ';
    assert.equal(preview({ type: 'query', question }), 'query first second third fourth');
  });

  it('shows the beginning of a message that cannot be understood', () => {
    assert.equal(previewOf(undefined, '{"Quer\ny', 20), 'damaged message {"Quer y');
    assert.equal(previewOf(undefined, 'x'.repeat(60), 5), 'damaged message xxxx…');
    assert.equal(previewOf(undefined, ''), 'damaged message');
  });
});

describe('shorten', () => {
  it('keeps a text that fits, and always leaves at least a sign', () => {
    assert.equal(shorten('abc', 3), 'abc');
    assert.equal(shorten('abcd', 3), 'ab…');
    assert.equal(shorten('👩‍💻👩‍💻', 2), '👩‍💻👩‍💻');
    assert.equal(shorten('abcd', 0), '…');
    assert.equal(shorten('', 0), '');
  });
});

describe('checkMessage', () => {
  it('lets good messages pass', () => {
    for (const body of BODIES) checkMessage(body);
    checkMessage({ type: 'completed', summary: 'nothing to do', filesChanged: [] });
    checkMessage({ type: 'conflict', file: 'a.ts', description: '' });
    checkMessage({ type: 'task_handoff', ...TASK, context: '' });
  });

  const bad: readonly (readonly [body: MessageBody, message: RegExp])[] = [
    [{ type: 'task_handoff', ...TASK, task: ' \n' }, /has no task\. Say what is to be done/],
    [{ type: 'query', question: '' }, /has no question\. Say/],
    [{ type: 'response', answer: '' }, /has no answer\. Say/],
    [{ type: 'completed', summary: ' ', filesChanged: ['a'] }, /has no summary\. Say/],
    [{ type: 'conflict', file: '', description: 'd' }, /names no file\. Give the path/],
    [fromOutside({ type: 'query' }), /has no question/],
    [fromOutside({ type: 'response', answer: 7 }), /has no answer/],
    [
      fromOutside({ type: 'gossip' }),
      /^Unknown message type: gossip\. Use one of task_handoff, query, response, completed, conflict\.$/,
    ],
    [fromOutside({}), /^Unknown message type: undefined\./],
    [
      fromOutside({ type: 'task_handoff', ...TASK, priority: 'urgent' }),
      /^Unknown priority: urgent\. Use one of low, normal, high, critical\.$/,
    ],
  ];
  for (const [body, message] of bad) {
    it(`refuses ${JSON.stringify(body)}`, () => {
      assert.throws(
        () => checkMessage(body),
        (error) => error instanceof InvalidMessageError && message.test(error.message),
      );
    });
  }
});
