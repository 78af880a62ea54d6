import { randomBytes, timingSafeEqual } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as path from 'node:path';
import { deferred, delay, within } from '../base/async';
import { errorCode } from '../base/errors';
import { ensurePrivateFolder } from '../base/files';
import { LineSplitter } from '../base/lines';
import { socketAddress } from '../base/sockets';
import { StorageError } from '../domain/storageErrors';

/**
 * The folder that holds a workspace's state, whichever storage folder VS Code gave this window: a
 * second window on the same workspace gets a folder that ends in `-1`, `-2`, …
 * @param storageFolder `context.storageUri`, `<workspace id>/<extension id>`
 */
export function homeOf(storageFolder: string): string {
  const workspaceId = path.basename(path.dirname(storageFolder));
  // Workspace ids are hexadecimal and may begin with a minus.
  const base = /^(-?[0-9a-z]+)-\d{1,2}$/i.exec(workspaceId)?.[1];
  if (base === undefined) return storageFolder;
  return path.join(path.dirname(path.dirname(storageFolder)), base, path.basename(storageFolder));
}

/** What an owner says about itself, in `owner-<generation>.json` (0600). */
interface OwnerRecord {
  readonly pid: number;
  readonly socket: string;
  readonly token: string;
}

/** The outcome of {@link claimHome}. */
export type HomeClaim = OwnedHome | OccupiedHome;

/** This process owns the home and may write to it. */
export interface OwnedHome {
  readonly kind: 'owned';
  readonly folder: string;
  /** Settles when another window asks for the home: finish what is under way, then release it. */
  readonly askedToLeave: Promise<void>;
  /** False once somebody else has claimed it after us. */
  isStillOwner(): Promise<boolean>;
  /** Lets the next window have it. May be called twice. */
  release(): Promise<void>;
  /** Settles when another window has claimed it after us, or none has within 5 seconds. */
  whenTaken(): Promise<void>;
}

/** Another living process owns the home. */
export interface OccupiedHome {
  readonly kind: 'occupied';
  readonly folder: string;
  /** The other's process id. */
  readonly pid: number;
  /** Settles when the other has left, which is the time to claim again; or when disposed. */
  readonly left: Promise<void>;
  /**
   * Asks the other to leave. Settles when it has, or has not within 5 seconds: it is stuck then, and
   * the home can be claimed by force.
   */
  askToLeave(): Promise<void>;
  dispose(): void;
}

/** How long an owner may take to answer before it counts as stuck, but alive. */
const ANSWER_TIMEOUT_MS = 3_000;

/** How long an owner may take to finish what is under way when it is asked to leave. */
const LEAVE_TIMEOUT_MS = 5_000;

/** What a window says to the owner, after the token, to have it leave. */
const LEAVE = 'leave';

/**
 * Claims a home. Of any number of processes that try at once exactly one gets it: ownership is the
 * highest `owner-<generation>.json`, and a file of one generation can be made only once.
 * @param socketFolder private folder with a short path, see `ensureSocketFolder`
 * @param isForced also when its owner is alive, but stuck; default false
 * @throws {StorageError} when the folder cannot be written
 */
export async function claimHome(
  folder: string,
  socketFolder: string,
  isForced = false,
): Promise<HomeClaim> {
  try {
    await ensurePrivateFolder(folder);
  } catch (error) {
    throw StorageError.ofWrite(folder, error);
  }
  for (;;) {
    const generation = await latestGeneration(folder);
    const owner = generation === 0 ? undefined : await readOwner(ownerFile(folder, generation));
    const connection = owner && !isForced ? await connectToOwner(owner) : undefined;
    if (owner && connection) return occupied(folder, owner, connection);
    const mine = await tryClaim(folder, socketFolder, generation + 1);
    if (!mine) continue; // somebody was faster
    if (owner && !isForced) await removeQuietly(owner.socket);
    return mine;
  }
}

async function tryClaim(
  folder: string,
  socketFolder: string,
  generation: number,
): Promise<OwnedHome | undefined> {
  const name = randomBytes(8).toString('hex');
  const record: OwnerRecord = {
    pid: process.pid,
    socket: socketAddress(socketFolder, `home-${name}`),
    token: randomBytes(24).toString('hex'),
  };
  // We answer before the claim can be seen: a claim that nobody answers for counts as abandoned.
  const server = await serve(record);
  const draft = path.join(folder, `owner-${name}.tmp`);
  try {
    await fs.writeFile(draft, JSON.stringify(record), { mode: 0o600, flag: 'wx' });
    await fs.link(draft, ownerFile(folder, generation));
  } catch (error) {
    await server.close();
    if (errorCode(error) === 'EEXIST') return undefined;
    throw StorageError.ofWrite(folder, error);
  } finally {
    await removeQuietly(draft);
  }
  for (const older of await generations(folder)) {
    if (older < generation) await removeQuietly(ownerFile(folder, older));
  }
  return {
    kind: 'owned',
    folder,
    askedToLeave: server.askedToLeave,
    isStillOwner: async () => (await latestGeneration(folder)) === generation,
    release: () => server.close(),
    whenTaken: async () => {
      const giveUpAt = performance.now() + LEAVE_TIMEOUT_MS;
      while (performance.now() < giveUpAt && (await latestGeneration(folder)) === generation) {
        await delay(50);
      }
    },
  };
}

/** Answers whoever knows the token, and keeps the connection: its end tells that we have left. */
async function serve(
  record: OwnerRecord,
): Promise<{ readonly askedToLeave: Promise<void>; close(): Promise<void> }> {
  const open = new Set<net.Socket>();
  const asked = deferred<undefined>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    let isKnown = false;
    const lines = new LineSplitter((line) => {
      if (isKnown) {
        if (line === LEAVE) asked.resolve(undefined);
        return;
      }
      const isRight =
        line.length === record.token.length &&
        timingSafeEqual(Buffer.from(line), Buffer.from(record.token));
      isKnown = isRight;
      if (isRight) socket.write('here\n');
      else socket.destroy();
    }, 256);
    socket.on('data', (chunk) => lines.push(chunk));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(record.socket, resolve);
  });
  // The window may close while we listen.
  server.unref();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  return { askedToLeave: asked.promise, close: () => (closed ??= close()) };
}

/** A connection to a living owner, or undefined when nobody lives there. */
async function connectToOwner(owner: OwnerRecord): Promise<net.Socket | undefined> {
  const socket = net.connect(owner.socket);
  const answer = new Promise<'here' | 'absent'>((resolve) => {
    socket.once('error', () => resolve('absent'));
    socket.once('close', () => resolve('absent'));
    socket.once('data', () => resolve('here'));
  });
  socket.write(`${owner.token}\n`);
  // An owner that accepts the connection but is too busy to answer is alive all the same.
  const isConnected = new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  const said = await within(answer, ANSWER_TIMEOUT_MS, 'silent' as const);
  if (said === 'here' || (said === 'silent' && (await within(isConnected, 0, false))))
    return socket;
  socket.destroy();
  return undefined;
}

function occupied(folder: string, owner: OwnerRecord, connection: net.Socket): OccupiedHome {
  const left = new Promise<void>((resolve) => connection.once('close', () => resolve()));
  connection.on('error', () => connection.destroy());
  connection.resume();
  return {
    kind: 'occupied',
    folder,
    pid: owner.pid,
    left,
    askToLeave: async () => {
      connection.write(`${LEAVE}\n`);
      await within(left, LEAVE_TIMEOUT_MS, undefined);
    },
    dispose: () => connection.destroy(),
  };
}

async function readOwner(file: string): Promise<OwnerRecord | undefined> {
  try {
    return JSON.parse(await fs.readFile(file, 'utf8')) as OwnerRecord;
  } catch {
    // Not ours to repair: the next generation settles who owns the home.
    return undefined;
  }
}

function ownerFile(folder: string, generation: number): string {
  return path.join(folder, `owner-${generation}.json`);
}

async function generations(folder: string): Promise<number[]> {
  const names = await fs.readdir(folder);
  return names.flatMap((name) => {
    const digits = /^owner-(\d+)\.json$/.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
}

async function latestGeneration(folder: string): Promise<number> {
  return Math.max(0, ...(await generations(folder)));
}

async function removeQuietly(file: string): Promise<void> {
  await fs.rm(file, { force: true }).catch(() => undefined);
}
