import * as path from 'node:path';
import { silentLogger } from '../../src/base/log';
import type { Handoff } from '../../src/domain/handoff';
import { DurableStore, type DurableStoreOptions } from '../../src/store/durableStore';

/** The built worker and the wasm, for stores that tests open. */
export const STORE_PROGRAMS = {
  checkpointProgram: path.resolve('dist/checkpoint.js'),
  wasmFile: path.resolve('dist/sql-wasm.wasm'),
};

/** Opens the store of a folder, as the extension does. */
export function openStore(
  folder: string,
  options: Partial<DurableStoreOptions> = {},
): Promise<DurableStore> {
  return DurableStore.open({ folder, programs: STORE_PROGRAMS, log: silentLogger, ...options });
}

/** A queued handoff; `patch` says what is different about it. */
export function makeHandoff(patch: Partial<Handoff> = {}): Handoff {
  return {
    id: 1,
    from: 'lead',
    to: 'w1',
    purpose: 'self',
    priority: 'normal',
    state: 'queued',
    originId: undefined,
    attempts: 0,
    reason: undefined,
    deadline: undefined,
    after: undefined,
    resultMessageId: undefined,
    ...patch,
  };
}
