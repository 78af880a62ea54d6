import * as fs from 'node:fs/promises';
import { currentBranch } from './programActions';
import type { Turn } from './turn';

/** Most of a task that is repeated, in UTF-16 units. */
const REPEATED_CHARS = 200;

/**
 * The answer to a task without a command: what this agent is, what it was asked, what it sees in its
 * folder, and how to have it do something.
 */
export async function introduce(turn: Turn, task: string): Promise<string> {
  return [
    "I am Deputy's rehearsal agent: I have no model and need no account, so I act out small scripts instead of solving tasks.",
    task.trim() === '' ? 'You gave me no task.' : `Your task was: "${shorten(task)}"`,
    await describeFolder(turn),
    'A real agent would start to work on it now. I can write, read and delete files here, run a program, commit, or ask you for permission, one line each: for example `write notes.txt Hello`, `run git status` or `ask May I go on?`. Send `help` for the whole list.',
  ].join('\n');
}

/** A task in one line, cut to what a person would read. */
export function shorten(task: string): string {
  const line = task.trim().replace(/\s+/g, ' ');
  return line.length <= REPEATED_CHARS ? line : `${line.slice(0, REPEATED_CHARS)}…`;
}

async function describeFolder(turn: Turn): Promise<string> {
  const entries = await fs.readdir(turn.cwd, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== '.git').length;
  const files = entries.filter((entry) => entry.name !== '.git').length - folders;
  const branch = await currentBranch(turn);
  const onBranch = branch === undefined ? '' : `, on the git branch ${branch}`;
  return `I am in ${turn.cwd}: ${count(files, 'file')} and ${count(folders, 'folder')} at the top level${onBranch}.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
