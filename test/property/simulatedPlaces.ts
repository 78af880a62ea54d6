import { UserError } from '../../src/base/errors';
import {
  AgentMissingError,
  UnsupportedAgentError,
  type AgentDefinition,
} from '../../src/domain/agent';
import type { AgentPort, FolderPort, GitPort } from '../../src/session/ports';
import type { Passage } from './passage';

/** The agent types that are known; the second one may not be installed. */
export const AGENT_TYPES = ['alpha', 'beta'] as const;

/** The folder that all work is about. */
export const REPOSITORY = '/repository';

const DEFINITIONS = AGENT_TYPES.map((name): AgentDefinition => ({
  name,
  description: name,
  protocol: 'acp',
  format: 'plain',
  command: name,
  args: [],
  env: {},
  howToGet: `Install ${name}.`,
}));

/** Folders, worktrees and agents' programs, as the machine has them whoever looks. */
export class SimulatedPlaces {
  private readonly worktrees = new Set<string>();
  isSecondAgentMissing = false;
  /** Worktrees hold uncommitted work: they are not removed. */
  areWorktreesDirty = false;
  failsNextWorktree = false;

  agents(passage: Passage): AgentPort {
    return {
      definitions: () => DEFINITIONS,
      resolve: async (agentType) => {
        await passage.pass();
        const definition = DEFINITIONS.find(({ name }) => name === agentType);
        if (!definition) throw new UnsupportedAgentError(agentType, AGENT_TYPES);
        const isMissing = this.isSecondAgentMissing && agentType === AGENT_TYPES[1];
        if (isMissing) throw new AgentMissingError(definition);
        return { definition, program: `/bin/${agentType}` };
      },
    };
  }

  git(passage: Passage): GitPort {
    return {
      inspect: async () => {
        await passage.pass();
        return { kind: 'repository', root: REPOSITORY };
      },
      addWorktree: async (_repository, id) => {
        await passage.pass();
        const path = `/worktrees/${id}`;
        if (this.failsNextWorktree) {
          this.failsNextWorktree = false;
          throw new UserError(`${path} cannot be made.`);
        }
        if (this.worktrees.has(path)) throw new UserError(`${path} is there already.`);
        this.worktrees.add(path);
        await passage.pass();
        return { path, branch: `deputy/${id}`, baseBranch: 'main', baseCommit: '0'.repeat(40) };
      },
      removeWorktree: async (_repository, { path }) => {
        await passage.pass();
        if (this.areWorktreesDirty) throw new UserError(`${path} holds uncommitted work.`);
        this.worktrees.delete(path);
        await passage.pass();
      },
      countUncommittedFiles: async () => {
        await passage.pass();
        return 0;
      },
      countChangedFiles: async () => {
        await passage.pass();
        return 0;
      },
    };
  }

  folders(passage: Passage): FolderPort {
    return {
      exists: async (folder) => {
        await passage.pass();
        return folder === REPOSITORY || this.worktrees.has(folder);
      },
      realPath: async (folder) => {
        await passage.pass();
        return folder;
      },
    };
  }
}
