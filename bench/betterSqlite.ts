import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { promisify } from 'node:util';
import type { SqlValue } from 'sql.js';
import { messageOf } from '../src/base/errors';

const run = promisify(execFile);

/** Compiles when there is no binary for this machine, so it is no dependency of the project. */
const PACKAGE = 'better-sqlite3';
const VERSION = '12.11.1';
/** Compiling takes one or two minutes. */
const INSTALL_MS = 10 * 60_000;

/** What is used of a better-sqlite3 database. */
export interface BetterDatabase {
  prepare(sql: string): BetterStatement;
  exec(sql: string): void;
  pragma(text: string): void;
  close(): void;
}

/** Values for `?` in their order; for `?1` and the like an object with the numbers as its keys. */
export type BetterParams = readonly SqlValue[] | readonly [Readonly<Record<number, SqlValue>>];

/** What is used of its statements. */
export interface BetterStatement {
  readonly reader: boolean;
  run(...params: BetterParams): void;
  get(...params: BetterParams): SqlValue[] | undefined;
  all(...params: BetterParams): SqlValue[][];
  /** Rows come as lists from now on. */
  raw(): this;
}

/** Opens a database file. */
export type BetterSqlite = new (file: string) => BetterDatabase;

/**
 * Loads better-sqlite3 from `folder`, where it is installed when it is not there.
 * @returns undefined when that is impossible, which `say` is told
 */
export async function loadBetterSqlite(
  folder: string,
  say: (text: string) => void,
): Promise<BetterSqlite | undefined> {
  const loaded = load(folder);
  if (loaded) return loaded;
  say(`Installing ${PACKAGE} ${VERSION} into ${folder}, once; it may be compiled …`);
  try {
    await install(folder);
    const installed = load(folder);
    if (!installed) throw new Error('it was installed, but does not load');
    return installed;
  } catch (error) {
    const [reason = ''] = messageOf(error).split('\n');
    say(
      `${PACKAGE} ${VERSION} could not be installed: the comparisons with it are left out. It needs the npm registry and a C++ compiler. (${reason})`,
    );
    return undefined;
  }
}

function load(folder: string): BetterSqlite | undefined {
  try {
    const require = createRequire(path.resolve(folder, 'package.json'));
    const found = require(PACKAGE) as BetterSqlite;
    // Its binary is loaded with the first database.
    new found(':memory:').close();
    return found;
  } catch {
    return undefined;
  }
}

async function install(folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true });
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', `${PACKAGE}@${VERSION}`];
  // On Windows npm is no program that can be started without a shell.
  const npm = process.env['npm_execpath'];
  await (npm
    ? run(process.execPath, [npm, ...args], { timeout: INSTALL_MS })
    : run('npm', args, { timeout: INSTALL_MS }));
}
