import type { AgentDefinition } from '../domain/agent';

/**
 * The agents that Deputy knows without any setting.
 * @param rehearsalProgram path of the bundled agent
 * @param node the program that runs it: `process.execPath`, of Node or of Electron
 */
export function presets(rehearsalProgram: string, node: string): readonly AgentDefinition[] {
  return [
    {
      name: 'claude',
      description: 'Claude Code',
      protocol: 'acp',
      format: 'plain',
      command: 'claude-agent-acp',
      args: [],
      env: {},
      howToGet: npmPackage('@agentclientprotocol/claude-agent-acp'),
    },
    {
      name: 'codex',
      description: 'Codex',
      protocol: 'acp',
      format: 'plain',
      command: 'codex-acp',
      args: [],
      env: {},
      howToGet: npmPackage('@agentclientprotocol/codex-acp'),
    },
    {
      name: 'gemini',
      description: 'Gemini CLI',
      protocol: 'acp',
      format: 'plain',
      command: 'gemini',
      args: ['--acp'],
      env: {},
      howToGet: npmPackage('@google/gemini-cli'),
    },
    {
      name: 'opencode',
      description: 'opencode',
      protocol: 'acp',
      format: 'plain',
      command: 'opencode',
      args: ['acp'],
      env: {},
      howToGet: npmPackage('opencode-ai'),
    },
    {
      name: 'copilot',
      description: 'GitHub Copilot CLI',
      protocol: 'acp',
      format: 'plain',
      command: 'copilot',
      args: ['--acp'],
      env: {},
      howToGet: npmPackage('@github/copilot'),
    },
    {
      name: 'rehearsal',
      description: 'Comes with Deputy, needs no account: follows the script in its task',
      protocol: 'acp',
      format: 'plain',
      command: node,
      args: [rehearsalProgram],
      // Inside desktop VS Code, `node` is Electron.
      env: { ELECTRON_RUN_AS_NODE: '1' },
      howToGet: 'It comes with Deputy: install the extension again.',
    },
  ];
}

function npmPackage(name: string): string {
  return `Install it with "npm install -g ${name}", then try again.`;
}
