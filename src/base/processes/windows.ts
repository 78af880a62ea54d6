import * as path from 'node:path';
import { messageOf } from '../errors';
import { capture, captureList, type Captured } from './capture';
import type { ProcessInfo } from './processInfo';

/** A program with its arguments; nothing goes through a shell. */
export interface SystemCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** A program of Windows by its absolute path: what PATH finds first may be anybody's. */
function systemProgram(env: NodeJS.ProcessEnv, ...names: readonly string[]): string {
  return path.win32.join(env['SystemRoot'] ?? 'C:\\Windows', 'System32', ...names);
}

/**
 * The command that lists all processes, or a single one, for {@link parseWindowsProcesses}. Windows
 * PowerShell is part of every Windows; `wmic` no longer is, and `tasklist` knows no parents.
 */
export function windowsListCommand(env: NodeJS.ProcessEnv, pid?: number): SystemCommand {
  const filter = pid === undefined ? '' : ` -Filter 'ProcessId = ${pid}'`;
  const columns = 'ProcessId,ParentProcessId,CreationDate,CommandLine';
  const script = [
    "$ErrorActionPreference = 'Stop'",
    // Else command lines come in the code page of the console.
    '[Console]::OutputEncoding = New-Object Text.UTF8Encoding $false',
    `Get-CimInstance -ClassName Win32_Process${filter} -Property ${columns}` +
      ` | Select-Object ${columns} | ConvertTo-Json -Compress`,
  ].join('; ');
  return {
    program: systemProgram(env, 'WindowsPowerShell', 'v1.0', 'powershell.exe'),
    args: ['-NoProfile', '-NonInteractive', '-Command', script],
  };
}

/**
 * The environment for Windows PowerShell: below a PowerShell 7 it would look for its own commands
 * among that one's modules, and not find them. Without the variable it knows where they are.
 */
export function powerShellEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(own).filter(([name]) => name.toUpperCase() !== 'PSMODULEPATH');
  return Object.fromEntries(entries);
}

/**
 * Lists the processes of Windows; their environments cannot be read.
 * @throws {ProcessListError} when PowerShell cannot be run
 */
export async function listFromWindows(): Promise<ProcessInfo[]> {
  const { program, args } = windowsListCommand(process.env);
  const lister = await captureList(program, args, powerShellEnvironment(process.env));
  return parseWindowsProcesses(lister.stdout).filter((info) => info.pid !== lister.pid);
}

/**
 * Looks one process up on Windows; undefined when there is none.
 * @throws {ProcessListError} when PowerShell cannot be run
 */
export async function readFromWindows(pid: number): Promise<ProcessInfo | undefined> {
  const { program, args } = windowsListCommand(process.env, pid);
  const { stdout } = await captureList(program, args, powerShellEnvironment(process.env));
  return parseWindowsProcesses(stdout).find((info) => info.pid === pid);
}

/**
 * Reads what {@link windowsListCommand} prints: an array of processes, a single process as it is, or
 * nothing. The processes of others have no command line, the idle process has no date.
 * @throws {SyntaxError} when it is no JSON
 * @see https://learn.microsoft.com/en-us/windows/win32/cimwin32prov/win32-process
 */
export function parseWindowsProcesses(text: string): ProcessInfo[] {
  const json = text.replace(/^\uFEFF/, '').trim();
  if (json === '') return [];
  const parsed: unknown = JSON.parse(json);
  const infos: ProcessInfo[] = [];
  for (const entry of Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]) {
    if (!isRecord(entry)) continue;
    const { ProcessId: pid, ParentProcessId: ppid, CommandLine: command } = entry;
    if (typeof pid !== 'number' || typeof ppid !== 'number') continue;
    const startTime = parseDate(entry['CreationDate']);
    infos.push({
      pid,
      ppid,
      pgid: 0,
      startTime,
      startedAtMs: startTime,
      isZombie: false,
      isMarked: false,
      command: typeof command === 'string' ? command : '',
    });
  }
  return infos;
}

/**
 * Milliseconds since 1970 of a date in PowerShell's JSON: `/Date(<ms>)/` in Windows PowerShell, ISO
 * 8601 in PowerShell 7, and before 7.2 either of them as the `value` of an object.
 */
function parseDate(date: unknown): number | undefined {
  if (isRecord(date)) return parseDate(date['value']);
  if (typeof date !== 'string') return undefined;
  const [, ms] = /^\/Date\((-?\d+)\)\/$/.exec(date) ?? [];
  const time = ms === undefined ? Date.parse(date) : Number(ms);
  return Number.isNaN(time) ? undefined : time;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What came of the attempt to end a tree of processes. */
export type KillTreeResult =
  | { readonly kind: 'killed' }
  /** There was no such process; what it had started, if anything, is not known. */
  | { readonly kind: 'absent' }
  /** At least one of them may be alive. */
  | { readonly kind: 'failed'; readonly why: string };

/** The command that ends a process and its descendants, for {@link readTaskkill}. */
export function taskkillCommand(env: NodeJS.ProcessEnv, pid: number): SystemCommand {
  return {
    program: systemProgram(env, 'taskkill.exe'),
    args: ['/PID', String(pid), '/T', '/F'],
  };
}

const NO_SUCH_PROCESS = 128;

/** Reads how `taskkill` ended. Its words are in the language of the system, so its code must do. */
export function readTaskkill({ code, stderr }: Pick<Captured, 'code' | 'stderr'>): KillTreeResult {
  if (code === 0) return { kind: 'killed' };
  if (code === NO_SUCH_PROCESS) return { kind: 'absent' };
  return { kind: 'failed', why: stderr.trim() || `taskkill ended with exit code ${code}.` };
}

/**
 * Ends a process and its descendants on Windows, by force: there is no polite way for programs
 * without a window. Works only while the tree is intact. Never rejects.
 * @see https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/taskkill
 */
export async function killWindowsTree(pid: number): Promise<KillTreeResult> {
  // Zero is the idle process, and no tree of ours.
  if (!Number.isInteger(pid) || pid <= 0) return { kind: 'absent' };
  const { program, args } = taskkillCommand(process.env, pid);
  try {
    return readTaskkill(await capture(program, args));
  } catch (error) {
    return { kind: 'failed', why: messageOf(error) };
  }
}
