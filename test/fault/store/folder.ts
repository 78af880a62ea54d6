import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import initSqlJs, { type SqlJsStatic } from 'sql.js';
import type { DurableStore } from '../../../src/store/durableStore';
import { NEWEST_FILE } from '../../../src/store/journalFormat';
import { recover, type TornTail } from '../../../src/store/recovery';
import { STORE_PROGRAMS } from '../../support/stores';
import { readRecovered, type Model, type ReadState } from './model';
import { applySteps, lastOf, planOf, type PlanOptions } from './plan';

let loaded: Promise<SqlJsStatic> | undefined;

/** sql.js, loaded once. */
export function sqlJs(): Promise<SqlJsStatic> {
  return (loaded ??= initSqlJs({ locateFile: () => STORE_PROGRAMS.wasmFile }));
}

/** Reads the state of a folder, without taking it over. */
export async function readFolder(
  folder: string,
): Promise<ReadState & { readonly tornTail: TornTail | undefined }> {
  const recovered = await recover(await sqlJs(), folder);
  return { ...readRecovered(recovered), tornTail: recovered.tornTail };
}

/**
 * Proves that a folder holds a plan's transactions 1 to some number, each once and completely.
 * @returns that number, and who has made them
 */
export async function proveState(
  folder: string,
  model: Model,
): Promise<{ last: number; writers: readonly string[] }> {
  const { image, writers } = await readFolder(folder);
  const expected = model.at(image.last);
  // The comparison of texts is much faster, and the other one tells the difference.
  if (JSON.stringify(image) !== JSON.stringify(expected)) assert.deepEqual(image, expected);
  return { last: image.last, writers };
}

/** Makes the next transactions of a plan. */
export function writePlan(store: DurableStore, options: PlanOptions, count: number): void {
  for (let left = count; left > 0; left--) {
    const n = lastOf(store) + 1;
    store.mutate(() => applySteps(store, planOf(options, n), n, 'test'));
  }
}

/** The content of all files of a folder. */
export async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of (await fs.readdir(folder)).sort()) {
    files.set(name, await fs.readFile(path.join(folder, name)));
  }
  return files;
}

/** Writes files to a new folder. */
export async function writeFiles(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
): Promise<void> {
  await fs.mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await fs.writeFile(path.join(folder, name), bytes);
}

/** Proves that the files are there as they were; others may have come. */
export async function proveUnchanged(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
): Promise<void> {
  for (const [name, bytes] of files) {
    const now = await fs.readFile(path.join(folder, name));
    assert.ok(now.equals(bytes), `${name} was changed`);
  }
}

/** Makes a folder hold these files again, and no others. */
export async function restoreFiles(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
): Promise<void> {
  for (const name of await fs.readdir(folder)) {
    const bytes = files.get(name);
    if (bytes) await fs.writeFile(path.join(folder, name), bytes);
    else await fs.rm(path.join(folder, name));
  }
}

/** Those of some files that nobody may ever change: the note of the newest generation is none. */
export function lastingFiles(files: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  return new Map([...files].filter(([name]) => name !== NEWEST_FILE));
}
