import * as os from 'node:os';
import * as path from 'node:path';
import { AgentCatalogue } from './agents/agentCatalogue';
import { archiveEvents } from './agents/eventArchive';
import { presets } from './agents/presets';
import { keepProgram } from './agents/programs';
import { Runners } from './agents/runners';
import { deferred } from './base/async';
import { UserError } from './base/errors';
import { ensureSocketFolder } from './base/sockets';
import type { Logger } from './base/log';
import type { OpenAttempt } from './editor/stateGate';
import type { StateTools } from './editor/stateCommands';
import type { Settings } from './editor/settings';
import type { Workbench } from './editor/workbench';
import { GitWorktrees } from './git/worktrees';
import type { StateStore } from './session/ports';
import { HandoffBook } from './routing/handoffBook';
import { Routing } from './routing/routing';
import { SessionManager } from './session/sessionManager';
import { ToolLog } from './session/toolLog';
import type { CheckpointPrograms } from './store/checkpointer';
import { DurableStore } from './store/durableStore';
import { exportState } from './store/exportState';
import { StorageError } from './domain/storageErrors';
import { claimHome, homeOf, type OwnedHome } from './store/home';
import { ReadOnlyState } from './store/readOnlyState';
import { inspectState, repairState } from './store/repairState';

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
  /** Tells a person what is wrong with the state, or was left out of it. */
  readonly warn: (what: string) => void;
}

/** The parts without an editor. */
export type Core = Omit<Workbench, 'outputs' | 'documents' | 'defaultAgent'>;

/** How often is looked whether somebody took the state by force, in milliseconds. */
const OWNERSHIP_CHECK_MS = 5_000;

/**
 * Gets hold of the state of one workspace and wires the parts together on it.
 * @param isForced also when another window has it that does not react
 * @throws {UserError} when the state cannot be opened
 */
export async function openCore(
  around: Surroundings,
  isForced: boolean,
): Promise<OpenAttempt<Core>> {
  const { log } = around;
  const socketFolder = await ensureSocketFolder(os.tmpdir());
  const home = await claimHome(homeOf(around.storageFolder), socketFolder, isForced);
  if (home.kind === 'occupied') {
    const source = (): Promise<ReadOnlyState | undefined> =>
      ReadOnlyState.open(home.folder, storePrograms(around), log).catch((error: unknown) => {
        log.error('The state of the other window cannot be read.', error);
        return undefined;
      });
    return { ...home, source };
  }
  let store: DurableStore | undefined;
  try {
    store = await DurableStore.open({
      folder: home.folder,
      programs: storePrograms(around),
      log,
    });
    if (store.tornTail) {
      const { bytes, file } = store.tornTail;
      around.warn(
        `The last write to Deputy's state was cut off, so its ${bytes} bytes at the end of ${file} were left out. Everything that was acknowledged before is there.`,
      );
    }
    store.onDidFailToWrite((error) => around.warn(error.message));
    const core = await buildCore(around, home, socketFolder, store);
    // Not awaited: an agent that does not answer must not keep the others from being seen.
    void core.manager.adoptAll().then(() => core.routing.start());
    archiveEvents(sessionsFolder(home), store.sessions, around.settings().keepEventsMs, log).catch(
      (error: unknown) => log.error('The events of ended sessions were not put in order.', error),
    );
    const watch = watchOwnership(home, store);
    const opened = store;
    return {
      kind: 'open',
      workbench: core,
      lost: watch.lost,
      whenTaken: () => home.whenTaken(),
      close: async () => {
        watch.dispose();
        core.routing.dispose();
        await core.manager.close();
        await opened.close();
        await home.release();
      },
    };
  } catch (error) {
    await store?.close();
    await home.release();
    throw error;
  }
}

/** What can be done with the state's files, whoever has it. */
export function stateTools(around: Surroundings): StateTools {
  const folder = homeOf(around.storageFolder);
  const programs = storePrograms(around);
  return {
    exportTo: (target) => exportState(folder, target, programs),
    inspect: () => inspectState(folder, programs),
    repair: async () => {
      const home = await claimHome(folder, await ensureSocketFolder(os.tmpdir()));
      if (home.kind === 'occupied') {
        home.dispose();
        throw new UserError(`Another window (process ${home.pid}) has the state. Close it first.`);
      }
      try {
        return await repairState(folder, programs);
      } finally {
        await home.release();
      }
    },
  };
}

async function buildCore(
  around: Surroundings,
  home: OwnedHome,
  socketFolder: string,
  store: StateStore,
): Promise<Core> {
  const { log, programFolder, globalStorageFolder, settings } = around;
  const [runnerProgram, rehearsalProgram] = await Promise.all(
    ['runner.js', 'rehearsal.js'].map((name) =>
      keepProgram(path.join(programFolder, name), globalStorageFolder),
    ),
  );
  const node = process.execPath;
  const agents = new AgentCatalogue(presets(rehearsalProgram ?? '', node), () => settings().agents);
  const git = new GitWorktrees({ logger: log });
  const runners = new Runners({
    sessionsFolder: sessionsFolder(home),
    socketFolder,
    node,
    runnerProgram: runnerProgram ?? '',
    times: () => {
      const { stopGraceMs, startTimeoutMs } = settings();
      return { graceMs: stopGraceMs, startTimeoutMs, idleLimitMs: 0, longestTurnMs: 0 };
    },
  });
  const clock = (): number => Date.now();
  const book = new HandoffBook(store, clock);
  const manager = new SessionManager({
    store,
    runners,
    agents,
    git,
    work: book,
    limits: settings,
    clock,
    log,
  });
  const routing = new Routing({
    store,
    book,
    manager,
    agents,
    git,
    limits: settings,
    coordination: settings,
    clock,
    log,
  });
  const toolLog = new ToolLog(store, () => settings().riskThresholds, clock);
  return { manager, routing, toolLog, store, agents, git };
}

/** Notices that another window asks for the state, or has taken it by force. */
function watchOwnership(
  home: OwnedHome,
  store: DurableStore,
): { readonly lost: Promise<void>; dispose(): void } {
  const lost = deferred<undefined>();
  const lose = (): void => lost.resolve(undefined);
  void home.askedToLeave.then(lose);
  store.onDidLoseOwnership(lose);
  const timer = setInterval(() => {
    try {
      store.checkOwnership();
    } catch (error) {
      if (error instanceof StorageError && error.reason === 'lost-ownership') lose();
    }
  }, OWNERSHIP_CHECK_MS);
  timer.unref();
  return { lost: lost.promise, dispose: () => clearInterval(timer) };
}

function sessionsFolder(home: OwnedHome): string {
  return path.join(home.folder, 'sessions');
}

function storePrograms({ programFolder }: Surroundings): CheckpointPrograms {
  return {
    checkpointProgram: path.join(programFolder, 'checkpoint.js'),
    wasmFile: path.join(programFolder, 'sql-wasm.wasm'),
  };
}
