import { RequestError, type StopReason } from '@agentclientprotocol/sdk/unstable';
import { delay } from '../../base/async';
import { errorCode, messageOf, UserError } from '../../base/errors';
import type { Command } from './command';
import { appendFile, deleteFile, readFile, writeFile } from './fileActions';
import { introduce, shorten } from './introduction';
import { commitAll, runProgram, spawnDetached } from './programActions';
import { HELP, parseScript } from './script';
import type { Turn } from './turn';

/** Size of the pretended context window, in tokens. */
const WINDOW_TOKENS = 200_000;
/** A line of a flood and its line feed. */
const FLOOD_LINE_CHARS = 1024;
/** Lines of a flood that go into one update. */
const FLOOD_LINES_PER_PIECE = 8;

/** What a script can do to the process that it runs in. Output that was said before comes first. */
export interface Host {
  /** Ends the process. */
  exit(code: number): Promise<never>;
  /** Kills the process without a chance to tidy up. */
  crash(): Promise<never>;
  /** From now on SIGTERM and the end of standard input are ignored. */
  ignoreEnd(): void;
  /** Writes a line to standard error. */
  warn(line: string): void;
}

/**
 * Acts out a task. What cannot be done is said, and the next line follows.
 * @throws {RequestError} when the script asks for a failure
 */
export async function act(task: string, turn: Turn, host: Host): Promise<StopReason> {
  const commands = parseScript(task);
  const isSentence = commands.every(({ kind }) => kind === 'text' || kind === 'problem');
  for (const command of commands) {
    if (isSentence && command.kind === 'text') continue;
    const stopReason = await attempt(command, turn, host);
    if (turn.signal.aborted) return 'cancelled';
    if (stopReason !== undefined) return stopReason;
  }
  if (isSentence) await turn.say(await introduce(turn, task));
  return turn.signal.aborted ? 'cancelled' : 'end_turn';
}

/** Does one command; an expected failure is said. Anything else is a defect and ends the turn. */
async function attempt(command: Command, turn: Turn, host: Host): Promise<StopReason | undefined> {
  try {
    return await perform(command, turn, host);
  } catch (error) {
    const isExpected = error instanceof UserError || errorCode(error) !== undefined;
    if (!isExpected) throw error;
    await turn.say(`I could not do "${command.kind}": ${messageOf(error)}`);
    return undefined;
  }
}

/** @returns the stop reason when the command ends the turn */
async function perform(command: Command, turn: Turn, host: Host): Promise<StopReason | undefined> {
  switch (command.kind) {
    case 'say':
      await turn.say(command.text);
      return undefined;
    case 'think':
      await turn.think(command.text);
      return undefined;
    case 'plan':
      await turn.update({
        sessionUpdate: 'plan',
        entries: command.steps.map((content, index) => ({
          content,
          priority: 'medium',
          status: index === 0 ? 'in_progress' : 'pending',
        })),
      });
      return undefined;
    case 'write':
      await writeFile(turn, command.path, command.text);
      return undefined;
    case 'append':
      await appendFile(turn, command.path, command.text);
      return undefined;
    case 'read':
      await readFile(turn, command.path);
      return undefined;
    case 'delete':
      await deleteFile(turn, command.path);
      return undefined;
    case 'run':
      await runProgram(turn, command.program, command.args);
      return undefined;
    case 'commit':
      await commitAll(turn, command.message);
      return undefined;
    case 'ask':
      return ask(turn, command.title);
    case 'wait':
      await delay(command.seconds * 1000, turn.signal);
      return undefined;
    case 'pace':
      turn.setPace(command.ms);
      return undefined;
    case 'fail':
      throw new RequestError(-32603, command.message);
    case 'exit':
      return host.exit(command.code);
    case 'crash':
      return host.crash();
    case 'flood':
      await flood(turn, command.kilobytes);
      return undefined;
    case 'count':
      await count(turn, command.lines, command.ms);
      return undefined;
    case 'usage':
      await turn.addUsage(command.tokens, command.usd, WINDOW_TOKENS);
      return undefined;
    case 'recall':
      await turn.say(recall(turn));
      return undefined;
    case 'refuse':
      await turn.say('I refuse to go on.');
      return 'refusal';
    case 'stderr':
      host.warn(command.text);
      return undefined;
    case 'help':
      await turn.say(HELP);
      return undefined;
    case 'ignore-sigterm':
      host.ignoreEnd();
      await turn.say('From now on I ignore SIGTERM and the end of my input.');
      return undefined;
    case 'spawn-detached':
      await turn.say(`Started process ${await spawnDetached()}, which I leave behind.`);
      return undefined;
    case 'text':
      await turn.say(`Noted: ${command.text}`);
      return undefined;
    case 'problem':
      await turn.say(`I do not understand "${command.line}". ${command.why}`);
      return undefined;
  }
}

async function ask(turn: Turn, title: string): Promise<StopReason | undefined> {
  const outcome = await turn.askPermission(title, [
    { optionId: 'once', name: 'Allow', kind: 'allow_once' },
    { optionId: 'always', name: 'Always allow', kind: 'allow_always' },
    { optionId: 'reject', name: 'Reject', kind: 'reject_once' },
  ]);
  if (outcome.outcome === 'cancelled') return 'cancelled';
  const answers: Readonly<Record<string, string>> = {
    once: 'Allowed',
    always: 'Allowed from now on',
    reject: 'Rejected',
  };
  await turn.say(
    `${answers[outcome.optionId] ?? `Unknown answer "${outcome.optionId}"`}: ${title}`,
  );
  return undefined;
}

/** Each line is numbered, so that a reader can tell that none is missing. */
async function flood(turn: Turn, kilobytes: number): Promise<void> {
  for (let line = 1; line <= kilobytes && !turn.signal.aborted;) {
    let piece = '';
    for (let n = 0; n < FLOOD_LINES_PER_PIECE && line <= kilobytes; n += 1, line += 1) {
      piece += `${`flood ${line} of ${kilobytes} `.padEnd(FLOOD_LINE_CHARS - 1, '.')}\n`;
    }
    await turn.sayUnrecorded(piece);
  }
}

/** One after the other, so that a reader can tell whether each came once. */
async function count(turn: Turn, lines: number, ms: number): Promise<void> {
  for (let line = 1; line <= lines && !turn.signal.aborted; line += 1) {
    await turn.sayUnrecorded(`line ${line} of ${lines}\n`);
    if (ms > 0) await delay(ms, turn.signal);
  }
}

function recall(turn: Turn): string {
  const before = turn.conversation.turns.slice(0, -1);
  if (before.length === 0) return 'You said nothing before.';
  return before.map(({ prompt }) => `You said before: ${shorten(prompt)}`).join('\n');
}
