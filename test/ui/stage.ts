import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { silentLogger } from '../../src/base/log';
import { findMarked } from '../../src/base/processTree';
import { LAUNCH_FILE, type LaunchData } from '../../src/domain/runnerProtocol';
import { viewSession, type InboxCounts } from '../../src/domain/sessionView';
import { journalGenerations } from '../../src/store/journalFormat';
import { ReadOnlyState } from '../../src/store/readOnlyState';
import { makeScratchRepository } from '../host/scratchRepository';
import { TestWindow, type WindowOptions } from '../host/uiKit';
import type { Workbench } from '../host/workbench';
import { lastingProcesses } from '../support/lastingProcesses';
import { STORE_PROGRAMS } from '../support/stores';
import { packagedVsix } from '../tools/package';

/** The view that all of this is about. */
export const VIEW = 'Sessions';

/** A real VS Code with the installed .vsix on a scratch repository, and what a test asks of it. */
export class Stage {
  private constructor(
    public window: TestWindow,
    private readonly options: WindowOptions,
    /** Holds everything; short, because sockets lie below it. */
    readonly root: string,
    readonly repository: string,
  ) {}

  /**
   * Opens the window.
   * @param prepare runs before VS Code starts, with the folder of its profile
   */
  static async open(
    options: Partial<WindowOptions> & { readonly isEmpty?: boolean } = {},
    prepare: (home: string, repository: string) => Promise<void> = async () => undefined,
  ): Promise<Stage> {
    const { isEmpty, ...more } = options;
    const { file: vsix } = await packagedVsix();
    const root = await fs.mkdtemp(path.join(await fs.realpath(os.tmpdir()), 'u-'));
    const repository = path.join(root, 'repo');
    const home = path.join(root, 'home');
    const temporary = path.join(root, 't');
    for (const folder of [repository, home, temporary]) await fs.mkdir(folder);
    await makeScratchRepository(repository);
    await prepare(home, repository);
    const full: WindowOptions = {
      ...(isEmpty ? {} : { folder: repository }),
      home,
      vsix,
      env: { TMPDIR: temporary, DEPUTY_REHEARSAL_HOME: path.join(root, 'rehearsal') },
      // The address is part of what VS Code derives the workspace's storage folder from.
      port: await freePort(),
      ...more,
    };
    return new Stage(await TestWindow.open(full), full, root, repository);
  }

  /**
   * Closes VS Code and opens it again on the same profile.
   * @param between runs while it is closed
   */
  async reopen(between: () => Promise<void> = async () => undefined): Promise<void> {
    await this.window.close();
    await between();
    this.window = await TestWindow.open(this.options);
  }

  get ui(): Workbench {
    return this.window.ui;
  }

  /** Starts a rehearsal session through the palette. */
  async start(task: string, place = 'In the workspace folder'): Promise<void> {
    await this.ui.command('Deputy: Start Session…');
    await this.ui.input('Start Session', task);
    await this.ui.pick('Start Session', 'rehearsal');
    await this.ui.pick('Start Session', place);
  }

  /** What is left of the launch files of all sessions of this window's workspace. */
  async launches(): Promise<LaunchData[]> {
    const workspaces = path.join(this.root, 'home/data/User/workspaceStorage');
    const names = await fs.readdir(workspaces, { recursive: true }).catch(() => []);
    const files = names
      .filter((name) => path.basename(name) === LAUNCH_FILE)
      .map((name) => path.join(workspaces, name));
    const texts = await Promise.all(files.map((file) => fs.readFile(file, 'utf8')));
    return texts.map((text) => JSON.parse(text) as LaunchData);
  }

  /** The folder that holds the state of this window's workspace. */
  async stateFolder(): Promise<string> {
    const workspaces = path.join(this.root, 'home/data/User/workspaceStorage');
    const names = await fs.readdir(workspaces, { recursive: true });
    const journal = names.find((name) => journalGenerations([path.basename(name)]).length > 0);
    if (journal === undefined) throw new Error('There is no journal in the profile.');
    return path.join(workspaces, path.dirname(journal));
  }

  /** What the stored state says that the rows must show: label and description, sorted. */
  async storedRows(): Promise<string[]> {
    const state = await ReadOnlyState.open(await this.stateFolder(), STORE_PROGRAMS, silentLogger);
    try {
      const { sessions, handoffs, unread } = state.overview();
      const countsOf = (id: string): InboxCounts => ({
        handoffs: handoffs.get(id) ?? 0,
        handoffsBelow: 0,
        waitingBelow: 0,
        unread: unread.get(id) ?? 0,
      });
      return [...sessions.values()]
        .map((session) => viewSession(session, countsOf(session.id), 0))
        .map((view) => `${view.label}${view.description}`)
        .sort();
    } finally {
      state.dispose();
    }
  }

  /** What the rows of a window show, sorted. */
  async shownRows(ui: Workbench = this.ui): Promise<string[]> {
    return (await ui.rows(VIEW)).map((row) => row.text).sort();
  }

  /** Pids of the living processes of all sessions. */
  async processes(): Promise<number[]> {
    const launches = await this.launches();
    const found = await Promise.all(launches.map(({ marker }) => findMarked(marker)));
    return found.flat().map(({ pid }) => pid);
  }

  /** Pids of the processes of sessions that do not end by themselves. */
  async lasting(): Promise<number[]> {
    return lastingProcesses((await this.launches()).map(({ marker }) => marker));
  }

  /**
   * Closes everything and removes it.
   * @throws when a session still has a process: every test ends what it has started
   */
  async close(): Promise<void> {
    const left = await this.lasting();
    await this.window.close();
    await fs.rm(this.root, { recursive: true, force: true, maxRetries: 3 });
    if (left.length > 0)
      throw new Error(`Sessions were left with the processes ${left.join(', ')}.`);
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
