import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { ensurePart } from './installCache';
import { installDependencies, unpackPackage } from './npmPackage';
import { repoRoot } from './paths';

/** The npm package with VS Code's server; its version 4.x.y holds VS Code 1.x.y. */
const CODE_SERVER = '4.139.1';
/** The server asks for Node 24; the person who runs the tests may have an older one. */
const NODE = '24.21.0';
/** Raise it when the recipe below or a stub changes. */
const RECIPE = 1;

/** VS Code's version in the served host. */
export const SERVED_VERSION = CODE_SERVER.replace(/^4/, '1');

/** The modules that the server, the extension host, the pty host and the web workbench load. */
const MODULES = new Set(
  `@microsoft/1ds-core-js @microsoft/1ds-post-js @parcel/watcher @vscode/deviceid @vscode/fs-copyfile
  @vscode/iconv-lite-umd @vscode/proxy-agent @vscode/ripgrep-universal @vscode/ripgrep
  @vscode/tree-sitter-wasm @xterm/addon-clipboard @xterm/addon-image @xterm/addon-ligatures
  @xterm/addon-progress @xterm/addon-search @xterm/addon-serialize @xterm/addon-unicode11
  @xterm/addon-webgl @xterm/headless @xterm/xterm cookie http-proxy-agent https-proxy-agent jschardet
  katex minimist node-pty tas-client vscode-oniguruma vscode-regexpp vscode-textmate ws yauzl yazl`.split(
    /\s+/,
  ),
);

/** Built-in extensions that no test uses; the first one alone is a third of the package. */
const EXCLUDED = [
  'copilot',
  'mermaid-markdown-features',
  'microsoft-authentication',
  'ms-vscode.*',
];

/** The served VS Code on disk. */
export interface ServerFiles {
  /** The Node.js executable that runs it. */
  readonly node: string;
  /** The server's main script. */
  readonly script: string;
}

/**
 * Installs the VS Code server and its Node from npm packages: no compiler, no install scripts.
 * @throws {HostMissingError} when npm cannot get them
 */
export async function ensureServer(): Promise<ServerFiles> {
  const [server, node] = await Promise.all([
    ensurePart({
      name: `server-${CODE_SERVER}-${RECIPE}`,
      needed: ['out/server-main.js', 'node_modules/ws/package.json', 'node_modules/@vscode/spdlog'],
      build: buildServer,
    }),
    ensurePart({
      name: `node-${NODE}-${process.arch}`,
      needed: ['bin/node'],
      build: (folder) =>
        unpackPackage(`node-linux-${process.arch}@${NODE}`, folder, { members: ['bin/node'] }),
    }),
  ]);
  return { node: path.join(node, 'bin/node'), script: path.join(server, 'out/server-main.js') };
}

async function buildServer(folder: string): Promise<void> {
  const whole = path.join(folder, '.package');
  await fs.mkdir(whole);
  await unpackPackage(`code-server@${CODE_SERVER}`, whole, {
    members: ['lib/vscode'],
    exclude: EXCLUDED.map((name) => `*/extensions/${name}`),
  });
  for (const name of await fs.readdir(path.join(whole, 'lib/vscode'))) {
    await fs.rename(path.join(whole, 'lib/vscode', name), path.join(folder, name));
  }
  await fs.rm(whole, { recursive: true });
  await prune(path.join(folder, 'package.json'), path.join(folder, 'npm-shrinkwrap.json'));
  await installDependencies(folder, `code-server@${CODE_SERVER}`);
  // Two native modules that would need a compiler; without the first, output channels stay empty.
  const modules = path.join(folder, 'node_modules/@vscode');
  await fs.cp(path.join(repoRoot(), 'test/host/stubs'), modules, { recursive: true });
  const prebuilds = path.join(folder, `node_modules/node-pty/prebuilds/linux-${process.arch}`);
  for (const name of await fs.readdir(prebuilds).catch(() => [])) {
    await fs.chmod(path.join(prebuilds, name), 0o755);
  }
}

interface Manifest {
  dependencies: Record<string, string>;
  overrides?: unknown;
  allowScripts?: unknown;
}

async function prune(manifestFile: string, shrinkwrapFile: string): Promise<void> {
  const keep = (all: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => MODULES.has(name)));
  const manifest = JSON.parse(await fs.readFile(manifestFile, 'utf8')) as Manifest;
  manifest.dependencies = keep(manifest.dependencies);
  delete manifest.overrides;
  delete manifest.allowScripts;
  await fs.writeFile(manifestFile, JSON.stringify(manifest, null, 1));
  const shrinkwrap = JSON.parse(await fs.readFile(shrinkwrapFile, 'utf8')) as {
    packages: Record<string, Manifest>;
  };
  const root = shrinkwrap.packages[''];
  if (root) root.dependencies = keep(root.dependencies);
  await fs.writeFile(shrinkwrapFile, JSON.stringify(shrinkwrap, null, 1));
}
