import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { launchBrowser, type TestBrowser } from './browser';
import { ensureServedHost } from './install';
import type { ServerFiles } from './installServer';
import type { MarkedProcess } from './marks';
import { run } from './run';
import { HOST_LAUNCHED, serverEnvironment, VsCodeServer, type ServerOptions } from './server';
import { Workbench } from './workbench';

/** Nothing on the screen but what the test is about. */
const QUIET: Readonly<Record<string, unknown>> = {
  'workbench.startupEditor': 'none',
  'workbench.editor.useModal': 'off',
  'chat.disableAIFeatures': true,
  'window.commandCenter': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
};

/** VS Code's four standard themes: the setting's value and the class that the workbench then has. */
const THEMES = {
  dark: { id: 'Dark 2026', mark: 'vs-dark' },
  light: { id: 'Light 2026', mark: 'vs' },
  hcDark: { id: 'Default High Contrast', mark: 'hc-black' },
  hcLight: { id: 'Default High Contrast Light', mark: 'hc-light' },
} as const;

/** The name of a theme in tests. */
export type ThemeName = keyof typeof THEMES;

/** All theme names, to loop over. */
export const THEME_NAMES = Object.keys(THEMES) as ThemeName[];

/** How a window is opened. */
export interface WindowOptions extends Pick<ServerOptions, 'port' | 'workspaceTrust' | 'env'> {
  /** What the window shows; without it, it is empty. */
  readonly folder?: string;
  /**
   * Profile, installed extensions and the temporary folder of VS Code live below it, in `data/`,
   * `extensions/` and `t/`. Give the same folder (and the same `port`) again to test what survives a
   * restart. Its path must be short, as unix sockets are made below it: `mkdtemp` in `os.tmpdir()`.
   * The caller removes it.
   */
  readonly home: string;
  /** A packaged extension to install first. */
  readonly vsix?: string;
  /** User settings, added to those that keep the workbench quiet. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A real VS Code as a user has it (installed extensions, toasts), on a server of its own. */
export class TestWindow {
  private constructor(
    /** The first page. */
    readonly ui: Workbench,
    readonly server: VsCodeServer,
    private readonly browser: TestBrowser,
    private readonly options: WindowOptions,
  ) {}

  /**
   * Starts a server, installs the extension, and opens a page on the folder.
   * @throws {HostMissingError} when VS Code cannot be installed here
   */
  static async open(options: WindowOptions): Promise<TestWindow> {
    const host = await ensureServedHost();
    const userDataDir = path.join(options.home, 'data');
    const extensionsDir = path.join(options.home, 'extensions');
    const temporary = path.join(options.home, 't');
    for (const folder of [extensionsDir, temporary]) await fs.mkdir(folder, { recursive: true });
    await writeSettingsTo(options, {});
    if (options.vsix !== undefined) await installVsix(host, options.home, options.vsix);
    const server = await VsCodeServer.start(host, {
      ...options,
      env: { TMPDIR: temporary, ...options.env },
      userDataDir,
      extensionsDir,
    });
    let browser: TestBrowser | undefined;
    try {
      browser = await launchBrowser(host.chromium);
      const page = await browser.context.newPage();
      const ui = await Workbench.open(page, server.url({ folder: options.folder }));
      return new TestWindow(ui, server, browser, options);
    } catch (error) {
      await browser?.close();
      await server.stop();
      throw error;
    }
  }

  /**
   * Opens one more window on the same server, with an extension host of its own.
   * @param folder default: the folder of the first window
   */
  async openAnother(folder = this.options.folder): Promise<Workbench> {
    const page = await this.browser.context.newPage();
    return Workbench.open(page, this.server.url({ folder }));
  }

  /**
   * Kills the extension hosts of all windows with SIGKILL, and waits until VS Code has started the
   * next one. VS Code does that twice in 5 minutes, for installed extensions only.
   * @param timeoutMs default 30 seconds
   */
  async crashExtensionHost(timeoutMs = 30_000): Promise<void> {
    const restarted = this.server.log.next(HOST_LAUNCHED, timeoutMs);
    this.server.killExtensionHost();
    await restarted;
  }

  /** Writes the user settings: those of `open`, and `more`. Windows notice, or need a `reload()`. */
  async writeSettings(more: Readonly<Record<string, unknown>>): Promise<void> {
    await writeSettingsTo(this.options, more);
  }

  /** Switches the first window to a theme and reloads it. Settings written before are dropped. */
  async theme(name: ThemeName): Promise<void> {
    await this.writeSettings({ 'workbench.colorTheme': THEMES[name].id });
    await this.ui.reload();
    await this.ui.page.locator(`.monaco-workbench.${THEMES[name].mark}`).waitFor();
  }

  /**
   * Closes the browser, ends the server, and kills whatever it has left. May be called twice.
   * @returns what had outlived the server, such as runners of sessions that were not finished
   */
  async close(): Promise<MarkedProcess[]> {
    await this.browser.close();
    return this.server.stop();
  }

  /**
   * As {@link close}, but detached processes, such as runners, go on, as they do for a user who
   * closes VS Code. Whoever calls it ends them: `killMarked(window.server.mark)`.
   */
  async leave(): Promise<void> {
    await this.browser.close();
    await this.server.leave();
  }
}

/**
 * Installs a packaged extension for the windows whose `home` that is, replacing another version.
 * @throws {CommandFailedError} when VS Code refuses it
 */
export async function installVsix(files: ServerFiles, home: string, vsix: string): Promise<void> {
  const data = path.join(home, 'data');
  const args = [
    ...['--install-extension', vsix, '--force', '--accept-server-license-terms'],
    ...['--extensions-dir', path.join(home, 'extensions')],
    ...['--user-data-dir', data, '--server-data-dir', data],
  ];
  await run(files.node, [files.script, ...args], { env: serverEnvironment() });
}

async function writeSettingsTo(
  options: WindowOptions,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  const settings = JSON.stringify({ ...QUIET, ...options.settings, ...more }, null, 2);
  const file = path.join(options.home, 'data/User/settings.json');
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, settings);
}
