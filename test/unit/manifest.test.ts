import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { AGENT_PROTOCOLS, CLI_FORMATS } from '../../src/domain/agent';
import { COMMAND_IDS } from '../../src/editor/commandIds';
import { readSettings, SETTINGS } from '../../src/editor/settings';

interface Manifest {
  readonly engines: { readonly vscode: string };
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly capabilities: {
    readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] };
  };
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly menus: {
      readonly 'view/item/context': readonly {
        readonly command: string;
        readonly when: string;
        readonly group: string;
      }[];
    };
    readonly configuration: {
      readonly properties: Readonly<
        Record<
          string,
          {
            default: unknown;
            minimum?: number;
            maximum?: number;
            examples?: readonly unknown[];
            additionalProperties?: {
              readonly properties: Readonly<Record<string, { enum?: readonly string[] }>>;
            };
          }
        >
      >;
    };
  };
}

const text = fs.readFileSync('package.json', 'utf8');
const manifest = JSON.parse(text) as Manifest;
const { properties } = manifest.contributes.configuration;

/** The pattern that a menu's condition matches a row's tokens against. */
function patternIn(when: string): RegExp {
  return new RegExp(/viewItem =~ \/(.*)\/$/.exec(when)?.[1] ?? '$^');
}

describe('package.json', () => {
  it('contributes exactly the commands that the code registers', () => {
    const contributed = manifest.contributes.commands.map(({ command }) => command);
    assert.deepEqual([...contributed].sort(), [...COMMAND_IDS].sort());
  });

  it('has a text for every placeholder, and no text without one', () => {
    const texts = JSON.parse(fs.readFileSync('package.nls.json', 'utf8')) as Record<string, string>;
    const used = [...text.matchAll(/"%([\w.]+)%"/g)].map((match) => match[1]);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(texts).sort());
  });

  it('has the defaults that the code falls back to', () => {
    const defaults = Object.fromEntries(
      Object.entries(properties).map(([key, it]) => [key.replace('deputy.', ''), it.default]),
    );
    const expected = Object.entries(SETTINGS).map(([key, value]) => [
      key,
      typeof value === 'object' && 'default' in value ? value.default : value,
    ]);
    assert.deepEqual(defaults, Object.fromEntries(expected));
  });

  it('keeps settings that name programs out of untrusted workspaces', () => {
    const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
    assert.ok(restrictedConfigurations.includes('deputy.agents'));
    assert.ok(restrictedConfigurations.includes('deputy.autoDispatch'));
  });

  it('has the bounds that the code clamps to', () => {
    for (const [key, { minimum, maximum }] of Object.entries(properties)) {
      const known = Object.entries(SETTINGS).find(([name]) => `deputy.${name}` === key)?.[1];
      const bounds = typeof known === 'object' && 'min' in known ? known : undefined;
      assert.deepEqual([minimum, maximum], [bounds?.min, bounds?.max], key);
    }
  });

  it('offers the protocols and formats that the code knows, with examples that it reads', () => {
    const agents = properties['deputy.agents'];
    const entry = agents?.additionalProperties?.properties;
    assert.deepEqual([...(entry?.['protocol']?.enum ?? [])].sort(), [...AGENT_PROTOCOLS].sort());
    assert.deepEqual([...(entry?.['format']?.enum ?? [])].sort(), [...CLI_FORMATS].sort());
    const [example] = agents?.examples ?? [];
    const settings = readSettings({ get: (key) => (key === 'agents' ? example : undefined) });
    assert.deepEqual(settings.agentProblems, []);
    assert.equal(settings.agents.length, 4);
  });

  it('has at most three actions in a row of any state', () => {
    const inline = manifest.contributes.menus['view/item/context'].filter(({ group }) =>
      group.startsWith('inline'),
    );
    const tokens = ['', '.hasWorktree', '.hasHandoffs', '.hasWorktree.hasHandoffs'];
    const states = ['pending', 'running', 'idle', 'completed', 'failed', 'stopped'];
    for (const state of states) {
      for (const role of ['lead', 'worker']) {
        for (const token of tokens) {
          for (const waiting of state === 'running' ? ['', '.waiting'] : ['']) {
            const item = `session.${state}.${role}${token}${waiting}`;
            const shown = inline.filter(({ when }) => patternIn(when).test(item));
            assert.ok(shown.length <= 3, `${item}: ${shown.map((it) => it.command).join(', ')}`);
          }
        }
      }
    }
  });

  it('is type-checked against the oldest VS Code that it runs on', () => {
    assert.equal(`^${manifest.devDependencies['@types/vscode'] ?? ''}`, manifest.engines.vscode);
  });
});

describe('readSettings', () => {
  const read = (values: Record<string, unknown>) => readSettings({ get: (key) => values[key] });

  it('falls back to the defaults', () => {
    assert.deepEqual(read({}), {
      defaultAgent: 'claude',
      agents: [],
      agentProblems: [],
      stopGraceMs: 5_000,
      startTimeoutMs: 60_000,
      keepEventsMs: 30 * 24 * 3_600_000,
      maxDelegatesPerLead: 8,
      maxRunningTurns: 8,
      maxParallelWorktrees: 9,
      sessionTimeoutMs: 3_600_000,
      heartbeatMs: 30_000,
      isAutoDispatching: false,
      autoDispatchLimitPerSession: 5,
      costBudgetUsd: 10,
      tokenBudget: 500_000,
      riskThresholds: { review: 0.35, confirm: 0.6, block: 0.85 },
    });
  });

  it('clamps numbers, and takes what is no number as not set', () => {
    assert.equal(read({ stopGraceSeconds: 1000 }).stopGraceMs, 60_000);
    assert.equal(read({ stopGraceSeconds: 0 }).stopGraceMs, 100);
    assert.equal(read({ stopGraceSeconds: 'soon' }).stopGraceMs, 5_000);
    assert.equal(read({ startTimeoutSeconds: NaN }).startTimeoutMs, 60_000);
  });

  it('does nothing by itself without trust', () => {
    const configuration = { get: (key: string) => key === 'autoDispatch' };
    assert.equal(readSettings(configuration).isAutoDispatching, true);
    assert.equal(readSettings(configuration, false).isAutoDispatching, false);
    // Nothing begins then, not even what was waiting.
    assert.equal(readSettings(configuration, false).maxRunningTurns, 0);
    assert.equal(read({ autoDispatch: 'true' }).isAutoDispatching, false);
  });

  it('reads own agents, and says what is wrong with those that it leaves out', () => {
    const { agents, agentProblems } = read({
      agents: {
        mine: { command: 'my-agent', args: ['--acp', 1], env: { A: 2 } },
        bad: {},
        worse: 3,
        typo: { command: 'x', protocol: 'CLI' },
        odd: { command: 'x', protocol: 'cli', format: 'json' },
        half: { command: 'x', format: 'codex' },
        flat: { command: 'x', args: '--acp' },
        bare: { command: 'x', env: [] },
      },
    });
    assert.deepEqual(agentProblems, [
      'The agent "bad" in deputy.agents names no "command"; it is left out.',
      'The agent "worse" in deputy.agents is no object with a "command"; it is left out.',
      'The agent "typo" in deputy.agents has the protocol "CLI", which is none of "acp", "cli"; it is left out.',
      'The agent "odd" in deputy.agents has the format "json", which is none of "plain", "claude", "codex"; it is left out.',
      'The agent "half" in deputy.agents has a "format", which counts only with "protocol": "cli"; it is left out.',
      'The agent "flat" in deputy.agents has "args" that are no list of texts; it is left out.',
      'The agent "bare" in deputy.agents has an "env" that is no object with texts by name; it is left out.',
    ]);
    assert.match(read({ agents: [] }).agentProblems.join(), /is no object with agents/);
    assert.deepEqual(agents, [
      {
        name: 'mine',
        description: 'my-agent',
        protocol: 'acp',
        format: 'plain',
        command: 'my-agent',
        args: ['--acp', '1'],
        env: { A: '2' },
        howToGet: 'Install it, or change deputy.agents.mine.command in settings.',
      },
    ]);
  });

  it('reads protocols and formats', () => {
    const entry = { command: 'x', protocol: 'cli' };
    const { agents } = read({ agents: { a: entry, b: { ...entry, format: 'claude' } } });
    assert.deepEqual(
      agents.map(({ name, protocol, format }) => [name, protocol, format]),
      [
        ['a', 'cli', 'plain'],
        ['b', 'cli', 'claude'],
      ],
    );
  });
});
