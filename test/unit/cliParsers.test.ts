import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { describeTool } from '../../src/agents/cli/claudeTools';
import { makeParser, type CliParser } from '../../src/agents/cli/parser';
import type { AgentEvent } from '../../src/agents/agentConnection';
import { CLI_FORMATS, type CliFormat } from '../../src/domain/agent';
import {
  CLAUDE_TRANSCRIPT,
  CODEX_TRANSCRIPT,
  CWD,
  PLAIN_TRANSCRIPT,
} from '../support/cliTranscripts';

const TRANSCRIPTS: Readonly<Record<CliFormat, string>> = {
  claude: CLAUDE_TRANSCRIPT,
  codex: CODEX_TRANSCRIPT,
  plain: PLAIN_TRANSCRIPT,
};

interface Reading {
  readonly events: AgentEvent[];
  readonly parser: CliParser;
}

function read(format: CliFormat, chunks: readonly (string | Buffer)[]): Reading {
  const parser = makeParser(format, { cwd: CWD, idPrefix: 'p:' });
  const events = chunks.flatMap((chunk) => parser.push(Buffer.from(chunk)));
  return { events: merged([...events, ...parser.end()]), parser };
}

/** Neighbouring texts as one, as the log of events merges them. */
function merged(events: readonly AgentEvent[]): AgentEvent[] {
  const result: AgentEvent[] = [];
  for (const event of events) {
    const last = result.at(-1);
    if (event.type === 'text' && last?.type === 'text') {
      result[result.length - 1] = { type: 'text', text: last.text + event.text };
    } else result.push(event);
  }
  return result;
}

/** What the events say, short. */
function summary(events: readonly AgentEvent[]): string[] {
  return events.map((event) => {
    switch (event.type) {
      case 'text':
      case 'thought':
      case 'stderr':
        return `${event.type}: ${event.text}`;
      case 'tool-call':
        return `${event.toolCallId} ${event.kind} ${event.status}: ${event.title} [${event.locations.join()}] ${event.output ?? ''}`.trim();
      case 'tool-update':
        return `${event.toolCallId} ${event.status ?? ''} ${event.output ?? ''}`.trim();
      case 'plan':
        return `plan: ${event.entries.map((it) => `${it.content} ${it.status}`).join(', ')}`;
      case 'mode':
        return `mode: ${event.modeId}`;
      case 'conversation':
      case 'permission-requested':
      case 'cost':
      case 'usage-limit':
        return event.type;
    }
  });
}

/** The objects, a line each. */
function lines(...objects: readonly unknown[]): string[] {
  return objects.map((object) => `${JSON.stringify(object)}\n`);
}

describe('the parser of Claude Code’s output', () => {
  it('tells what was said and done', () => {
    const { events, parser } = read('claude', [CLAUDE_TRANSCRIPT]);
    assert.deepEqual(summary(events), [
      'stderr: Welcome 🎉 to a banner that is no JSON',
      'mode: default',
      'thought: Hmm, Umlaute: äöü 🙂',
      'text: Running it. 🚀',
      'toolu_1 execute in_progress: echo hi []',
      'toolu_1 completed hi',
      'toolu_2 edit in_progress: Edit src/a.ts [/repo/src/a.ts]',
      'toolu_3 other in_progress: mcp__db__query []',
      'toolu_2 failed no',
      'plan: Look completed, Mend in_progress',
      'thought: I am a subagent.',
      'text: Done.',
      'stderr: Not allowed, as there is nobody to ask: Write.',
    ]);
    assert.equal(parser.conversationId, '1a612bed-7b79-46fc-91b1-59963c67eac9');
    assert.equal(parser.folder, '/repo');
    assert.deepEqual(parser.result, {
      stopReason: 'end_turn',
      error: undefined,
      tokens: 3284,
      totals: { tokens: undefined, costUsd: 0.0248 },
    });
  });

  it('knows from which version on the cost counts over processes', () => {
    const costs = (version: unknown): unknown => {
      const init = { type: 'system', subtype: 'init', claude_code_version: version };
      const end = { type: 'result', subtype: 'success', total_cost_usd: 0.5 };
      const { result } = read('claude', lines(init, end)).parser;
      return [result?.costUsd, result?.totals?.costUsd];
    };
    for (const version of ['2.1.277', '2.1.1000', '2.2.0', '3.0.0']) {
      assert.deepEqual(costs(version), [undefined, 0.5], version);
    }
    for (const version of ['2.1.276', '2.0.999', '1.9.9', 'new', undefined, 3]) {
      assert.deepEqual(costs(version), [0.5, undefined], String(version));
    }
  });

  it('tells how a turn ended', () => {
    const end = (fields: object): unknown => {
      const { result } = read('claude', lines({ type: 'result', ...fields })).parser;
      return [result?.stopReason, result?.error, result?.tokens, result?.costUsd];
    };
    const none = [undefined, undefined];
    assert.deepEqual(end({}), ['end_turn', undefined, ...none]);
    assert.deepEqual(end({ is_error: true, subtype: 'success', result: 'overloaded' }), [
      'error',
      'overloaded',
      ...none,
    ]);
    assert.deepEqual(end({ subtype: 'error_during_execution', errors: ['No conversation', 3] }), [
      'error',
      'No conversation 3',
      ...none,
    ]);
    assert.deepEqual(end({ subtype: 'error_max_budget_usd' }), [
      'error',
      'error_max_budget_usd',
      ...none,
    ]);
    assert.deepEqual(end({ subtype: 'error_max_turns', is_error: true }), [
      'max_turn_requests',
      undefined,
      ...none,
    ]);
    assert.deepEqual(end({ stop_reason: 'refusal' }), ['refusal', undefined, ...none]);
    assert.deepEqual(end({ usage: {}, total_cost_usd: 0 }), ['end_turn', undefined, undefined, 0]);
  });

  it('says that the account is used up only when the turn ended so', () => {
    const rejected = {
      type: 'rate_limit_event',
      rate_limit_info: { status: 'rejected', resetsAt: 1_795_587_994 },
    };
    const text = "You've hit your limit · resets 6:26am (UTC)";
    const failed = { type: 'result', subtype: 'success', is_error: true, result: text };
    assert.deepEqual(read('claude', lines(rejected, failed)).events, [
      { type: 'usage-limit', resetsAt: 1_795_587_994_000, text },
    ]);
    const api = { ...failed, api_error: 'usage_limit_reached' };
    assert.deepEqual(read('claude', lines(api)).events, [
      { type: 'usage-limit', resetsAt: undefined, text },
    ]);
    const well = { type: 'result', subtype: 'success', is_error: false, result: 'ok' };
    assert.deepEqual(read('claude', lines(rejected, well)).events, []);
  });

  it('names tools by what they are about', () => {
    const title = (name: string, input: Record<string, unknown>): string =>
      describeTool(name, input, CWD).title;
    assert.equal(title('Read', { file_path: '/repo/a b.ts' }), 'Read a b.ts');
    assert.equal(title('Read', { file_path: '/etc/hosts' }), 'Read /etc/hosts');
    assert.equal(title('NotebookEdit', { notebook_path: '/repo/n.ipynb' }), 'NotebookEdit n.ipynb');
    assert.equal(title('Grep', { pattern: 'x', path: '/repo' }), 'Grep x');
    assert.equal(title('WebFetch', { url: 'https://example.org' }), 'WebFetch https://example.org');
    assert.equal(title('Bash', {}), 'Bash');
  });
});

describe('the parser of Codex’s output', () => {
  it('tells what was said and done', () => {
    const { events, parser } = read('codex', [CODEX_TRANSCRIPT]);
    assert.deepEqual(summary(events), [
      'stderr: Model metadata for `stub` not found.',
      'stderr: Reconnecting... 1/5',
      'thought: **Thinking** 🤔',
      'text: Running it. 🚀',
      "p:item_3 execute in_progress: /bin/bash -lc 'echo hi' []",
      'p:item_3 failed hi',
      'p:item_4 edit completed: Change /repo/a.ts, b.ts [/repo/a.ts,/repo/b.ts]',
      'plan: Look pending',
      'plan: Look completed',
      'p:item_6 other completed: db.query [] 1 row',
      'p:item_7 search completed: Search rust eof []',
      'text: First.\n\nSecond.',
    ]);
    assert.equal(parser.conversationId, '01a210f3-1049-7d22-8c91-fcde9bac10e7');
    assert.deepEqual(parser.result, {
      stopReason: 'end_turn',
      error: undefined,
      tokens: undefined,
      totals: { tokens: 3084, costUsd: undefined },
    });
  });

  it('tells why a turn failed', () => {
    const message = 'stream disconnected';
    const failed = read('codex', lines({ type: 'turn.failed', error: { message } })).parser;
    assert.deepEqual([failed.result?.stopReason, failed.result?.error], ['error', message]);
    const silent = read('codex', lines({ type: 'turn.failed' })).parser;
    assert.match(silent.result?.error ?? '', /ended its turn with an error/);
  });

  it('reads what its first releases printed', () => {
    const item = { id: 'item_0', item_type: 'assistant_message', text: 'hi' };
    const { events } = read('codex', lines({ type: 'item.completed', item }));
    assert.deepEqual(events, [{ type: 'text', text: 'hi' }]);
  });
});

describe('the parser of any command’s output', () => {
  it('takes lines as they are, without colours', () => {
    const { events, parser } = read('plain', [PLAIN_TRANSCRIPT]);
    assert.deepEqual(events, [{ type: 'text', text: 'Working… 🚧\ngreen\n\nno end of line: ä' }]);
    assert.equal(parser.result, undefined);
  });

  it('hands out a long line before its end', () => {
    const parser = makeParser('plain', { cwd: CWD, idPrefix: '' });
    const events = parser.push(Buffer.alloc(1024 * 1024, 'x'));
    assert.equal(summary(events).join('').replaceAll('text: ', '').length, 1024 * 1024);
  });
});

for (const format of CLI_FORMATS) {
  describe(`the parser of the format ${format}`, () => {
    const bytes = Buffer.from(TRANSCRIPTS[format]);
    const whole = read(format, [bytes]);

    it('does not mind where the output is cut in two', () => {
      for (let cut = 0; cut <= bytes.length; cut++) {
        const { events, parser } = read(format, [bytes.subarray(0, cut), bytes.subarray(cut)]);
        assert.deepEqual(events, whole.events, `at ${cut}`);
        assert.deepEqual(parser.result, whole.parser.result);
      }
    });

    it('does not mind how often the output is cut', () => {
      const bytewise = Array.from(bytes, (byte) => Buffer.of(byte));
      assert.deepEqual(read(format, bytewise).events, whole.events);
      const cuts = fc.uniqueArray(fc.nat(bytes.length), { maxLength: 60 });
      fc.assert(
        fc.property(cuts, (positions) => {
          const ends = [...positions.sort((a, b) => a - b), bytes.length];
          const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
          assert.deepEqual(read(format, chunks).events, whole.events);
        }),
      );
    });

    it('takes any garbage', () => {
      const known = [...TRANSCRIPTS[format].matchAll(/"(?:type|subtype|status)":"([\w.]+)"/g)];
      const word = fc.constantFrom(...new Set(known.map(([, name]) => name ?? '')), 'x');
      const names = [
        ...new Set([...TRANSCRIPTS[format].matchAll(/"(\w+)":/g)].map((it) => it[1] ?? '')),
      ];
      const { object } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
        value: fc.oneof(
          { maxDepth: 4 },
          fc.constantFrom(null, 3, '', true),
          word,
          fc.array(tie('value'), { maxLength: 3 }),
          tie('object'),
        ),
        object: fc.dictionary(
          fc.constantFrom(...names, 'errors', 'toString', '__proto__'),
          tie('value'),
          { maxKeys: 8 },
        ),
      }));
      const line = fc.tuple(word, object).map(([type, fields]) => ({ ...fields, type }));
      fc.assert(
        fc.property(fc.array(line), fc.uint8Array(), (objects, noise) => {
          const { parser } = read(format, [...lines(...objects), Buffer.from(noise)]);
          assert.ok(parser.result === undefined || parser.result.stopReason.length > 0);
        }),
        { numRuns: 300 },
      );
    });
  });
}
