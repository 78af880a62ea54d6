import { spawn } from 'node:child_process';
import { Coalesced } from '../../base/async';
import { UserError } from '../../base/errors';
import { runProcess, type ProcessEnd } from './process';
import { textContent, type ToolResult, type Turn } from './turn';

/** Most of a program's output that is shown: its end, in UTF-16 units. */
const SHOWN_CHARS = 16 * 1024;
/** Life of a process that is left behind on purpose, in milliseconds: an hour. */
const DETACHED_LIFE_MS = 3_600_000;

/** Nobody is there to answer git, and its words are read. */
const GIT_ENV = { LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' };
/** Works where git does not know who commits, and asks for no key. */
const GIT_IDENTITY = [
  ['user.name', 'Rehearsal Agent'],
  ['user.email', 'rehearsal@deputy.invalid'],
  ['commit.gpgSign', 'false'],
].flatMap(([key, value]) => ['-c', `${key ?? ''}=${value ?? ''}`]);

/** Runs a program, shows its output while it comes, and says how it ended. */
export async function runProgram(
  turn: Turn,
  program: string,
  args: readonly string[],
): Promise<void> {
  const title = [program, ...args].join(' ');
  let said = '';
  await turn.useTool({ title, kind: 'execute', input: { command: [program, ...args] } }, (id) =>
    showOutput(turn, id, async (onOutput) => {
      const end = await runProcess({ program, args, cwd: turn.cwd, onOutput }, turn.signal);
      said = `${title}: ${describeEnd(end)}.`;
      return end;
    }),
  );
  await turn.say(said);
}

/** Commits every change in the folder and says the commit's short name, or why there is none. */
export async function commitAll(turn: Turn, message: string): Promise<void> {
  const title = `git commit -m ${JSON.stringify(message)}`;
  let said = '';
  await turn.useTool({ title, kind: 'execute', input: { message } }, (id) =>
    showOutput(turn, id, async (onOutput) => {
      let output = '';
      const git = async (...args: string[]): Promise<ProcessEnd> =>
        runProcess(
          {
            program: 'git',
            args,
            cwd: turn.cwd,
            env: GIT_ENV,
            onOutput: (text) => {
              output += text;
              onOutput(text);
            },
          },
          turn.signal,
        );
      let end = await git('add', '--all');
      if (end.code === 0 && (await git('diff', '--cached', '--quiet')).code === 0) {
        said = 'There is nothing to commit.';
        return end;
      }
      if (end.code === 0) end = await git(...GIT_IDENTITY, 'commit', '--message', message);
      said =
        end.code === 0
          ? `Committed ${await gitLine(turn, 'rev-parse', '--short', 'HEAD')}: ${message}`
          : `The commit failed: ${describeEnd(end)}. ${output.trim()}`;
      return end;
    }),
  );
  await turn.say(said);
}

/**
 * The branch that the folder is on, also before its first commit.
 * @returns undefined when the folder is in no repository, on no branch, or git is not installed
 */
export async function currentBranch(turn: Turn): Promise<string | undefined> {
  try {
    return (await gitLine(turn, 'symbolic-ref', '--quiet', '--short', 'HEAD')) || undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/**
 * Starts a process that outlives this agent, in a session of its own.
 * @returns its process id
 */
export async function spawnDetached(): Promise<number> {
  const child = spawn(process.execPath, ['-e', `setTimeout(() => {}, ${DETACHED_LIFE_MS})`], {
    detached: true,
    stdio: 'ignore',
    windowsHide: true,
  });
  child.unref();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
}

/** Shows output as it comes: at most one update is on its way, and each holds all there is. */
async function showOutput(
  turn: Turn,
  toolCallId: string,
  work: (onOutput: (text: string) => void) => Promise<ProcessEnd>,
): Promise<ToolResult> {
  let output = '';
  let failure: Promise<void> = Promise.resolve();
  const shown = new Coalesced(async () =>
    turn.update({
      sessionUpdate: 'tool_call_update',
      toolCallId,
      status: 'in_progress',
      content: [textContent(output)],
    }),
  );
  const end = await work((text) => {
    output = (output + text).slice(-SHOWN_CHARS);
    failure = shown.request();
    failure.catch(() => undefined);
  });
  // Rejects when the connection is gone, as the update that follows would.
  await failure;
  return {
    status: end.code === 0 ? 'completed' : 'failed',
    content: [textContent(`${output}${describeEnd(end)}`)],
    output: { exitCode: end.code ?? null, signal: end.signal ?? null },
  };
}

async function gitLine(turn: Turn, ...args: string[]): Promise<string> {
  let output = '';
  const onOutput = (text: string): void => void (output += text);
  const options = { program: 'git', args, cwd: turn.cwd, env: GIT_ENV, onOutput };
  const { code } = await runProcess(options, turn.signal);
  return code === 0 ? output.trim() : '';
}

function describeEnd({ code, signal }: ProcessEnd): string {
  return code === undefined ? `ended by ${signal ?? 'a signal'}` : `exit code ${code}`;
}
