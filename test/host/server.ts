import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import type { ServerFiles } from './installServer';
import { LogLines } from './logLines';
import { killMarked, killProcess, marked, newMark, RUN_MARKER, type MarkedProcess } from './marks';
import { built } from './paths';

const START_MS = 60_000;
const STOP_MS = 8_000;
const DETACHED_GRACE_MS = 1_000;

/** How a server is started. */
export interface ServerOptions {
  readonly userDataDir: string;
  readonly extensionsDir: string;
  /** Default 0, any free one. A fixed one is needed to find the same storage after a restart. */
  readonly port?: number;
  /** Whether VS Code asks if the folder is trusted; default false, everything is trusted. */
  readonly workspaceTrust?: boolean;
  /**
   * VS Code's driver for its own smoke tests: development extensions need it; it suppresses all
   * toasts. Default false.
   */
  readonly smokeDriver?: boolean;
  /** VS Code's log level, for example `trace`; default `info`. */
  readonly logLevel?: string;
  /** Added to our environment, for the server and the extension host. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What a window shows. */
export interface WindowTarget {
  /** A folder or a `.code-workspace` file; without it the window is empty. */
  readonly folder?: string | undefined;
  /** Folders of development extensions. */
  readonly dev?: readonly string[];
  /** The test module that the extension host runs. */
  readonly tests?: string;
  readonly file?: string | undefined;
  readonly disableExtensions?: boolean;
}

/** A running VS Code server on a port of the loopback interface. */
export class VsCodeServer {
  private stopping: Promise<MarkedProcess[]> | undefined;
  private leaving: Promise<void> | undefined;

  private constructor(
    /** The mark of everything the server starts; see `marked`. */
    readonly mark: string,
    readonly port: number,
    /** What the server writes to its log. */
    readonly log: LogLines,
    /** Resolves with the exit code, or the signal, when the server has ended. */
    readonly exited: Promise<number | string>,
    private readonly guardian: ChildProcess,
  ) {}

  /**
   * Starts a server that cannot outlive us: even when this process is killed, it ends.
   * @throws {Error} when it ends early or does not listen within 60 seconds; holds its last lines
   */
  static async start(files: ServerFiles, options: ServerOptions): Promise<VsCodeServer> {
    const mark = newMark();
    const guardian = spawn(
      process.execPath,
      [built('host', 'guardian'), files.node, files.script, ...serverArguments(options)],
      {
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...serverEnvironment(), ...options.env, [RUN_MARKER]: mark },
      },
    );
    const exited = once(guardian, 'exit').then(
      ([code, signal]: unknown[]) => (code ?? signal) as number | string,
    );
    guardian.stdin.on('error', () => undefined);
    const log = new LogLines();
    log.read(guardian.stdout);
    log.read(guardian.stderr);
    const listening = log.next(/^Extension host agent listening on (\d+)/, START_MS);
    listening.catch(() => undefined);
    try {
      const early = exited.then((ended) => {
        throw new Error(`The VS Code server ended at once (${ended}).`);
      });
      const [, port] = await Promise.race([listening, early]);
      return new VsCodeServer(mark, Number(port), log, exited, guardian);
    } catch (error) {
      guardian.stdin.end();
      throw new Error(`VS Code's server did not start:\n${log.tail(25)}`, { cause: error });
    }
  }

  /** The address of a window on this server. */
  url(target: WindowTarget): string {
    const payload = [
      ['skipWelcome', 'true'],
      ['skipReleaseNotes', 'true'],
      ...(target.dev ?? []).map((folder) => ['extensionDevelopmentPath', this.uri(folder)]),
      ...(target.tests ? [['extensionTestsPath', this.uri(target.tests)]] : []),
      ...(target.file ? [['openFile', this.uri(target.file)]] : []),
      ...(target.disableExtensions ? [['disableExtensions', 'true']] : []),
    ];
    const query = new URLSearchParams({ payload: JSON.stringify(payload) });
    if (target.folder === undefined) query.set('ew', 'true');
    else {
      const kind = target.folder.endsWith('.code-workspace') ? 'workspace' : 'folder';
      query.set(kind, path.resolve(target.folder));
    }
    return `http://127.0.0.1:${this.port}/?${query.toString()}`;
  }

  /** The pids of the living extension hosts, one a window, oldest first. */
  extensionHosts(): number[] {
    return marked(this.mark)
      .filter((found) => found.command.includes('--type=extensionHost'))
      .map((found) => found.pid)
      .sort((one, other) => one - other);
  }

  /**
   * Kills extension hosts as a crash would (SIGKILL). VS Code restarts those with installed
   * extensions, at most twice in 5 minutes; wait for `log.next(HOST_LAUNCHED)` before you act on.
   * @param pid which one; default: all of this server
   * @throws {Error} when there is none
   */
  killExtensionHost(pid?: number): void {
    const pids = pid === undefined ? this.extensionHosts() : [pid];
    if (pids.length === 0) throw new Error('No extension host of this server is running.');
    for (const each of pids) killProcess(each);
  }

  /**
   * Ends the server and kills whatever carries its mark. May be called twice.
   * @returns what had outlived the server: detached processes, which a caller may have expected
   */
  stop(): Promise<MarkedProcess[]> {
    return (this.stopping ??= this.leave().then(() => killMarked(this.mark, DETACHED_GRACE_MS)));
  }

  /** Ends the server and its own processes; detached ones go on. May be called twice. */
  leave(): Promise<void> {
    return (this.leaving ??= this.end());
  }

  private async end(): Promise<void> {
    this.guardian.stdin?.end('stop\n');
    const timer = setTimeout(() => this.guardian.kill('SIGKILL'), STOP_MS);
    await this.exited;
    clearTimeout(timer);
  }

  private uri(file: string): string {
    return `vscode-remote://127.0.0.1:${this.port}${encodeURI(path.resolve(file))}`;
  }
}

/** A log line that says that an extension host was started. */
export const HOST_LAUNCHED = /<(\d+)> Launched Extension Host Process/;

/** A log line that says that an extension host has ended: pid, exit code, signal. */
export const HOST_EXITED =
  /<(\d+)> Extension Host Process exited with code: (\S+), signal: (\S+)\./;

function serverArguments(options: ServerOptions): string[] {
  return [
    ...['--host', '127.0.0.1', '--port', String(options.port ?? 0)],
    ...['--without-connection-token', '--accept-server-license-terms'],
    ...['--telemetry-level', 'off', '--disable-telemetry', '--disable-experiments'],
    ...['--server-data-dir', options.userDataDir, '--user-data-dir', options.userDataDir],
    ...['--extensions-dir', options.extensionsDir, '--reconnection-grace-time', '5'],
    ...(options.smokeDriver ? ['--enable-smoke-test-driver'] : []),
    ...(options.workspaceTrust ? [] : ['--disable-workspace-trust']),
    ...(options.logLevel ? ['--log', options.logLevel] : []),
  ];
}

/** Our environment for a program of the server, less what a VS Code around us has put there. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(VSCODE|ELECTRON)_/.test(name));
  return {
    EXTENSIONS_GALLERY: '{}',
    // As if started from a terminal. Else several of its processes each ask a login shell for its
    // environment, which may take long, differs by machine, and outlives the server.
    VSCODE_CLI: '1',
    ...Object.fromEntries(own),
  };
}
