import { ensureChromium, type Chromium } from './installChromium';
import { ensureDesktop } from './installDesktop';
import { ensureServer, type ServerFiles } from './installServer';
import { HostMissingError } from './npmPackage';

/** VS Code's server with a headless Chromium as its window. */
export interface ServedHost extends ServerFiles {
  readonly kind: 'served';
  readonly chromium: Chromium;
}

/** VS Code as a program with a window of its own. */
export interface DesktopHost {
  readonly kind: 'desktop';
  readonly executable: string;
}

/**
 * The VS Code in which the host suite runs, installed below `.vscode-test/` when it is not there:
 * the desktop build where it can be downloaded and shown, else the served one.
 * DEPUTY_TEST_HOST=desktop|served allows only that one.
 * @param onFallback is told why it is not the desktop build
 * @throws {HostMissingError} with one message that says what is missing and what to do
 */
export async function ensureHost(
  onFallback: (why: string) => void = () => undefined,
): Promise<ServedHost | DesktopHost> {
  const wanted = process.env['DEPUTY_TEST_HOST'] ?? '';
  switch (wanted) {
    case 'served':
      return ensureServedHost();
    case 'desktop':
      return { kind: 'desktop', executable: await ensureDesktop() };
    case '':
      try {
        return { kind: 'desktop', executable: await ensureDesktop() };
      } catch (error) {
        if (!(error instanceof HostMissingError) || process.platform !== 'linux') throw error;
        onFallback(`${error.message} Using the VS Code server in a headless Chromium.`);
        return ensureServedHost();
      }
    default:
      throw new HostMissingError(`DEPUTY_TEST_HOST is "${wanted}"; use desktop or served.`);
  }
}

/**
 * The served VS Code, which the ui suite always uses, as it drives the page.
 * @throws {HostMissingError} with one message that says what is missing and what to do
 */
export async function ensureServedHost(): Promise<ServedHost> {
  if (process.platform !== 'linux') {
    throw new HostMissingError(
      `The served VS Code runs on Linux only, and this is ${process.platform}. The host suite runs here with DEPUTY_TEST_HOST=desktop; run the ui suite on Linux.`,
    );
  }
  const [server, chromium] = await Promise.all([ensureServer(), ensureChromium()]);
  return { kind: 'served', ...server, chromium };
}
