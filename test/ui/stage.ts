import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { findMarked } from '../../src/base/processTree';
import { LAUNCH_FILE, type LaunchData } from '../../src/domain/runnerProtocol';
import { makeScratchRepository } from '../host/scratchRepository';
import { TestWindow, type WindowOptions } from '../host/uiKit';
import type { Workbench } from '../host/workbench';
import { lastingProcesses } from '../support/lastingProcesses';
import { packagedVsix } from '../tools/package';

/** The view that all of this is about. */
export const VIEW = 'Sessions';

/** A real VS Code with the installed .vsix on a scratch repository, and what a test asks of it. */
export class Stage {
  private constructor(
    readonly window: TestWindow,
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
    const window = await TestWindow.open({
      ...(isEmpty ? {} : { folder: repository }),
      home,
      vsix,
      env: { TMPDIR: temporary, DEPUTY_REHEARSAL_HOME: path.join(root, 'rehearsal') },
      ...more,
    });
    return new Stage(window, root, repository);
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
