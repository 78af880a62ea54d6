import * as os from 'node:os';
import * as path from 'node:path';
import { AgentCatalogue } from './agents/agentCatalogue';
import { presets } from './agents/presets';
import { keepProgram } from './agents/programs';
import { Runners } from './agents/runners';
import { ensureSocketFolder } from './base/files';
import type { Logger } from './base/log';
import type { OpenAttempt } from './editor/stateGate';
import type { Settings } from './editor/settings';
import { GitWorktrees } from './git/worktrees';
import type { AgentPort, GitPort } from './session/ports';
import { SessionManager } from './session/sessionManager';
import { claimHome, homeOf } from './store/home';
import { ImageFile } from './store/imageFile';
import { SqlStore } from './store/sqlStore';

/** What is known before anything is opened. */
export interface Surroundings {
  /** Folder of this workspace's state, as VS Code gave it to this window. */
  readonly storageFolder: string;
  /** Folder that all workspaces share. */
  readonly globalStorageFolder: string;
  /** Folder of the bundles and of `sql-wasm.wasm`. */
  readonly programFolder: string;
  readonly settings: () => Settings;
  readonly log: Logger;
  /** Called when the state could not be saved. */
  readonly onDidFailToSave: (error: Error) => void;
}

/** The parts without an editor. */
export interface Core {
  readonly manager: SessionManager;
  readonly agents: AgentPort;
  readonly git: GitPort;
}

/**
 * Wires the parts together on the state of one workspace.
 * @throws {UserError} when the state cannot be opened
 */
export async function openCore(around: Surroundings): Promise<OpenAttempt<Core>> {
  const { log, programFolder, globalStorageFolder, settings } = around;
  const socketFolder = await ensureSocketFolder(os.tmpdir());
  const home = await claimHome(homeOf(around.storageFolder), socketFolder);
  if (home.kind === 'occupied') return home;
  try {
    const file = path.join(home.folder, 'deputy.db');
    const store = await SqlStore.open({
      persistence: new ImageFile(file, () => home.isStillOwner()),
      file,
      wasmFile: path.join(programFolder, 'sql-wasm.wasm'),
      log,
    });
    store.onDidFailToSave(around.onDidFailToSave);
    const [runnerProgram, rehearsalProgram] = await Promise.all(
      ['runner.js', 'rehearsal.js'].map((name) =>
        keepProgram(path.join(programFolder, name), globalStorageFolder),
      ),
    );
    const node = process.execPath;
    const agents = new AgentCatalogue(
      presets(rehearsalProgram ?? '', node),
      () => settings().agents,
    );
    const git = new GitWorktrees();
    const runners = new Runners({
      sessionsFolder: path.join(home.folder, 'sessions'),
      socketFolder,
      node,
      runnerProgram: runnerProgram ?? '',
      times: () => {
        const { stopGraceMs, startTimeoutMs } = settings();
        return { graceMs: stopGraceMs, startTimeoutMs };
      },
    });
    const manager = new SessionManager({ store, runners, agents, git, log });
    // Not awaited: an agent that does not answer must not keep the others from being seen.
    void manager.adoptAll();
    const close = async (): Promise<void> => {
      manager.dispose();
      await store.close();
      await home.release();
    };
    return { kind: 'open', workbench: { manager, agents, git }, close };
  } catch (error) {
    await home.release();
    throw error;
  }
}
