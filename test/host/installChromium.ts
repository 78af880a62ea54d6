import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { ensurePart } from './installCache';
import { HostMissingError, unpackPackage } from './npmPackage';
import { CommandFailedError, run } from './run';

/** A headless Chromium for x64 Linux as an npm package, with the libraries it needs beside libc. */
const CHROMIUM_PACKAGE = '@sparticuz/chromium';
const CHROMIUM = '153.0.0';

const SYSTEM_CHROMIUMS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const APT_LINE = 'sudo apt-get update && sudo apt-get install -y chromium';

/** How to start the browser in which the served VS Code is shown. */
export interface Chromium {
  readonly executable: string;
  /** What it needs in its environment; for the browser only, never for VS Code. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The browser: the one that DEPUTY_TEST_CHROMIUM names, else the system's, else one from npm.
 * @throws {HostMissingError} when there is none and none can be installed
 */
export async function ensureChromium(): Promise<Chromium> {
  const named = process.env['DEPUTY_TEST_CHROMIUM'];
  if (named !== undefined && named !== '' && !existsSync(named)) {
    throw new HostMissingError(`DEPUTY_TEST_CHROMIUM names ${named}, which does not exist.`);
  }
  const system = named || SYSTEM_CHROMIUMS.find((file) => existsSync(file));
  if (system) return { executable: system, env: {} };
  if (process.arch !== 'x64') {
    throw new HostMissingError(
      `The tests need Chromium, and npm has none for ${process.arch}. Install one: ${APT_LINE}`,
    );
  }
  const folder = await ensurePart({
    name: `chromium-${CHROMIUM}-x64`,
    needed: ['chromium', 'lib/libnss3.so', 'fonts.conf'],
    build: buildChromium,
  });
  return describe(folder);
}

function describe(folder: string): Chromium {
  return {
    executable: path.join(folder, 'chromium'),
    env: {
      LD_LIBRARY_PATH: path.join(folder, 'lib'),
      FONTCONFIG_FILE: path.join(folder, 'fonts.conf'),
    },
  };
}

async function buildChromium(folder: string): Promise<void> {
  const packed = path.join(folder, '.package');
  await fs.mkdir(packed);
  await unpackPackage(`${CHROMIUM_PACKAGE}@${CHROMIUM}`, packed, { members: ['bin', 'LICENSE'] });
  await Promise.all([
    unbrotli(path.join(packed, 'bin/chromium.br'), path.join(folder, 'chromium')),
    ...['al2023', 'fonts'].map(async (name) => {
      const tarball = path.join(packed, `${name}.tar`);
      await unbrotli(path.join(packed, `bin/${name}.tar.br`), tarball);
      await run('tar', ['xf', tarball, '-C', folder, '--no-same-owner']);
    }),
  ]);
  await fs.rename(path.join(packed, 'LICENSE'), path.join(folder, 'LICENSE'));
  await fs.rm(packed, { recursive: true });
  await fs.chmod(path.join(folder, 'chromium'), 0o755);
  await fs.writeFile(path.join(folder, 'fonts.conf'), FONTS);
  await proveThatItStarts(describe(folder));
}

/** The system's fonts if it has any; a bare machine has none, and the workbench would be blank. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;

async function unbrotli(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to));
}

async function proveThatItStarts(chromium: Chromium): Promise<void> {
  try {
    await run(chromium.executable, ['--no-sandbox', '--version'], {
      env: { ...process.env, ...chromium.env },
      timeoutMs: 30_000,
    });
  } catch (error) {
    if (!(error instanceof CommandFailedError)) throw error;
    throw new HostMissingError(
      `The Chromium from npm does not start on this system. Install one: ${APT_LINE}\n${error.message}`,
      { cause: error },
    );
  }
}
