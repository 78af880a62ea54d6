import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import type { Chromium } from './installChromium';

const SWITCHES = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--no-proxy-server',
];

/** A headless Chromium with one browser context; its pages share cookies and storage. */
export interface TestBrowser {
  readonly context: BrowserContext;
  /** Called once when the browser ends, also when we close it. */
  onDidEnd(listener: () => void): void;
  /** Ends it and removes its home folder. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts Chromium with a home folder of its own below `os.tmpdir()`.
 * @param options size of the pages, in CSS pixels; default 1400 x 900
 */
export async function launchBrowser(
  host: Chromium,
  { width = 1400, height = 900 }: { width?: number; height?: number } = {},
): Promise<TestBrowser> {
  const home = await fs.mkdtemp(path.join(os.tmpdir(), 'chromium-'));
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close().catch(() => undefined);
    await fs.rm(home, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const started = await chromium.launch({
      executablePath: host.executable,
      env: {
        ...stringsOf(process.env),
        ...host.env,
        HOME: home,
        XDG_CACHE_HOME: home,
        TMPDIR: home,
      },
      // Whoever started the browser decides what a signal means.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      args: SWITCHES,
    });
    browser = started;
    const context = await started.newContext({ viewport: { width, height }, permissions: [] });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    return {
      context,
      onDidEnd: (listener) => void started.on('disconnected', listener),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function stringsOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
