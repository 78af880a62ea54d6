import assert from 'node:assert/strict';
import * as fs from 'node:fs';
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
    readonly configuration: { readonly properties: Readonly<Record<string, { default: unknown }>> };
  };
}

const text = fs.readFileSync('package.json', 'utf8');
const manifest = JSON.parse(text) as Manifest;

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
      Object.entries(manifest.contributes.configuration.properties).map(([key, it]) => [
        key.replace('deputy.', ''),
        it.default,
      ]),
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
      stopGraceMs: 5_000,
      startTimeoutMs: 60_000,
      keepEventsMs: 30 * 24 * 3_600_000,
    });
  });

  it('clamps numbers, and takes what is no number as not set', () => {
    assert.equal(read({ stopGraceSeconds: 1000 }).stopGraceMs, 60_000);
    assert.equal(read({ stopGraceSeconds: 0 }).stopGraceMs, 100);
    assert.equal(read({ stopGraceSeconds: 'soon' }).stopGraceMs, 5_000);
    assert.equal(read({ startTimeoutSeconds: NaN }).startTimeoutMs, 60_000);
  });

  it('reads own agents and leaves out those without a command', () => {
    const { agents } = read({
      agents: {
        mine: { command: 'my-agent', args: ['--acp', 1], env: { A: 2 } },
        bad: {},
        worse: 3,
      },
    });
    assert.deepEqual(agents, [
      {
        name: 'mine',
        description: 'my-agent',
        protocol: 'acp',
        command: 'my-agent',
        args: ['--acp', '1'],
        env: { A: '2' },
        howToGet: 'Install it, or change deputy.agents.mine.command in settings.',
      },
    ]);
  });
});
