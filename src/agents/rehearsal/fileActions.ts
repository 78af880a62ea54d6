import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode, UserError } from '../../base/errors';
import { resolveInside } from './folder';
import { textContent, type Turn } from './turn';

/** Most of a file that is shown, in UTF-16 units. */
const SHOWN_CHARS = 16 * 1024;

/** Writes a file, with the folders above it; a line feed is put at its end. */
export async function writeFile(turn: Turn, given: string, text: string): Promise<void> {
  await edit(turn, 'Write', given, () => withLineFeed(text));
  await turn.say(`Wrote ${given}.`);
}

/** Adds a line to a file, which is made when it is not there. */
export async function appendFile(turn: Turn, given: string, text: string): Promise<void> {
  await edit(turn, 'Append to', given, (before) => withLineFeed(before ?? '') + withLineFeed(text));
  await turn.say(`Added to ${given}.`);
}

/** Says what a file holds, cut to what a person would read. */
export async function readFile(turn: Turn, given: string): Promise<void> {
  const file = await resolveInside(turn.cwd, given);
  let shown = '';
  await turn.useTool({ title: `Read ${given}`, kind: 'read', path: file }, async () => {
    const content = await readIfThere(file);
    if (content === undefined) throw new UserError(`There is no file ${given}.`);
    shown = cut(content);
    return { status: 'completed', content: [textContent(shown)] };
  });
  await turn.say(shown === '' ? `${given} is empty.` : `${given} holds:\n${shown}`);
}

/** Deletes a file; never a folder. */
export async function deleteFile(turn: Turn, given: string): Promise<void> {
  const file = await resolveInside(turn.cwd, given);
  await turn.useTool({ title: `Delete ${given}`, kind: 'delete', path: file }, async () => {
    try {
      if ((await fs.lstat(file)).isDirectory()) {
        throw new UserError(`${given} is a folder, and I delete only files.`);
      }
      await fs.unlink(file);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw new UserError(`There is no file ${given}.`);
      throw error;
    }
    return { status: 'completed', content: [] };
  });
  await turn.say(`Deleted ${given}.`);
}

async function edit(
  turn: Turn,
  verb: string,
  given: string,
  change: (before: string | undefined) => string,
): Promise<void> {
  const file = await resolveInside(turn.cwd, given);
  await turn.useTool({ title: `${verb} ${given}`, kind: 'edit', path: file }, async () => {
    const oldText = await readIfThere(file);
    const newText = change(oldText);
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.writeFile(file, newText);
    const diff = { path: file, oldText: cut(oldText ?? '') || null, newText: cut(newText) };
    return { status: 'completed', content: [{ type: 'diff', ...diff }] };
  });
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function withLineFeed(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function cut(text: string): string {
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}\n… (cut)`;
}
