import * as path from 'node:path';
import type { AgentDefinition } from '../../src/domain/agent';

/** An agent that ends before it is ready, and says why. */
export const BROKEN: AgentDefinition = {
  name: 'broken',
  description: 'ends before it is ready',
  protocol: 'acp',
  format: 'plain',
  command: process.execPath,
  args: ['-e', 'console.error("no licence found"); process.exit(3)'],
  env: {},
  howToGet: '',
};

/** An agent of another type, for tests in which no agent is started. */
export const OTHER: AgentDefinition = {
  name: 'other',
  description: 'another type',
  protocol: 'acp',
  format: 'plain',
  command: process.execPath,
  args: [],
  env: {},
  howToGet: '',
};

/** The runner tests' own agent: small, and answers at once. */
export const SMALL: AgentDefinition = {
  name: 'small',
  description: 'a small agent of the tests',
  protocol: 'acp',
  format: 'plain',
  command: process.execPath,
  args: [path.resolve('out/test/fixtures/acpAgent.js')],
  env: {},
  howToGet: '',
};
