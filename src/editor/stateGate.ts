import type * as vscode from 'vscode';
import { deferred, within, type Deferred } from '../base/async';
import { messageOf, UserError } from '../base/errors';
import type { Logger } from '../base/log';
import { StorageError } from '../domain/storageErrors';
import type { OverviewSource } from '../session/overview';

/** Value of the context key `deputy.state`, on which welcome texts and commands depend. */
export type GateState = 'opening' | 'noFolder' | 'occupied' | 'unavailable' | 'ready';

/** The state is open and ours. */
export interface OpenState<W> {
  readonly kind: 'open';
  readonly workbench: W;
  /** Settles when another window has it, or asks for it. */
  readonly lost: Promise<void>;
  readonly close: () => Promise<void>;
  /** After {@link close}: settles when the window that asked for it has it, or seems not to come. */
  readonly whenTaken: () => Promise<void>;
}

/** Another window has the state. */
export interface OccupiedState {
  readonly kind: 'occupied';
  /** The other's process id. */
  readonly pid: number;
  /** Settles when the other has left. */
  readonly left: Promise<void>;
  /** What can be seen of it meanwhile; undefined when it cannot be read. */
  readonly source: () => Promise<(OverviewSource & { dispose(): void }) | undefined>;
  /** Asks the other to leave, and settles when it has, or seems stuck. */
  readonly askToLeave: () => Promise<void>;
  readonly dispose: () => void;
}

/** One try to get hold of the workspace's state. */
export type OpenAttempt<W> = OpenState<W> | OccupiedState;

/** What a {@link StateGate} works with. */
export interface GateParts<W> {
  readonly vs: typeof vscode;
  /** Shows the problem, when there is one. */
  readonly view: { message?: string | undefined };
  readonly log: Logger;
  /** Tries once, by force or not; undefined when the window has no folder. */
  readonly attempt: ((isForced: boolean) => Promise<OpenAttempt<W>>) | undefined;
  /** Shows what can be seen: of our own state, of the other window's, or nothing. */
  readonly show: (source: OverviewSource | undefined) => void;
  readonly sourceOf: (workbench: W) => OverviewSource;
}

/** Time for a window that is being reloaded to leave, in milliseconds; VS Code's own promise. */
const POLITE_WAIT_MS = 6_000;

/** How soon a state that cannot be opened is tried again, in milliseconds; then less and less often. */
const RETRY_MS = 10_000;
const MAX_RETRY_MS = 5 * 60_000;

/** True for what can pass without anybody telling us. */
function mayPass(error: unknown): boolean {
  return (
    error instanceof StorageError &&
    (error.reason === 'disk-full' || error.reason === 'not-writable')
  );
}

/**
 * Gets hold of the workspace's state and says in the view where it stands. While another window has
 * it, this one shows it read-only, goes on by itself when the other leaves, and takes over when it is
 * told to: an empty list is never shown in place of one that cannot be read.
 */
export class StateGate<W> {
  private readonly abort = new AbortController();
  private decided = deferred<undefined>();
  private state: GateState = 'opening';
  private problem: string | undefined;
  private open: OpenState<W> | undefined;
  private takeOverRequest: Deferred<undefined> | undefined;
  private retryRequest: Deferred<undefined> | undefined;

  constructor(private readonly parts: GateParts<W>) {}

  /** Opens the state, and again whenever it was lost, until {@link close}. Never rejects. */
  async run(): Promise<void> {
    const { attempt, log, vs } = this.parts;
    if (!attempt) {
      this.enter('noFolder', 'Open a folder first: a session works in one.');
      return;
    }
    let isForced = false;
    let retryMs = RETRY_MS;
    while (!this.abort.signal.aborted) {
      try {
        const result = await attempt(isForced);
        isForced = result.kind === 'occupied' ? await this.waitFor(result) : await this.use(result);
      } catch (error) {
        log.error('The state of this workspace cannot be opened.', error);
        isForced = false;
        const isNews = this.problem !== messageOf(error);
        this.enter('unavailable', messageOf(error));
        if (isNews) void vs.window.showErrorMessage(messageOf(error));
        this.retryRequest = deferred();
        const told = Promise.race([this.retryRequest.promise, this.aborted()]);
        retryMs = isNews ? RETRY_MS : Math.min(2 * retryMs, MAX_RETRY_MS);
        // A disk gets room again, and a folder its permissions, without a word to us.
        await (mayPass(error) ? within(told, retryMs, undefined) : told);
      }
    }
  }

  /**
   * What was opened; waits while it is being opened.
   * @throws {UserError} that says why there is none
   */
  async workbench(): Promise<W> {
    await this.decided.promise;
    if (!this.open) throw new UserError(this.problem ?? 'Deputy is closing.');
    return this.open.workbench;
  }

  /**
   * Takes the state over from the window that has it; settles when it is here.
   * @throws {UserError} when no other window has it, or it could not be taken over
   */
  async takeOver(): Promise<void> {
    if (!this.takeOverRequest) throw new UserError('No other window has the sessions.');
    if (this.decided.isSettled) this.decided = deferred();
    this.takeOverRequest.resolve(undefined);
    await this.workbench();
  }

  /**
   * Tries again after what was wrong has been put right.
   * @throws {UserError} when it is still wrong
   */
  async retry(): Promise<void> {
    if (!this.retryRequest) return;
    if (this.decided.isSettled) this.decided = deferred();
    this.retryRequest.resolve(undefined);
    await this.workbench();
  }

  /** True while the state cannot be opened at all. */
  get isUnavailable(): boolean {
    return this.state === 'unavailable';
  }

  /** Saves and lets go of everything; the agents live on. */
  async close(): Promise<void> {
    this.abort.abort();
    this.decided.resolve(undefined);
    const { open } = this;
    this.open = undefined;
    await open?.close();
  }

  /** Uses what is ours until it is lost. @returns false: the next try is polite */
  private async use(result: OpenState<W>): Promise<boolean> {
    const { show, sourceOf, vs } = this.parts;
    if (this.abort.signal.aborted) {
      await result.close();
      return false;
    }
    this.open = result;
    show(sourceOf(result.workbench));
    this.enter('ready', undefined);
    await Promise.race([result.lost, this.aborted()]);
    if (this.isClosing()) return false;
    this.open = undefined;
    show(undefined);
    this.enter('occupied', 'Another window takes over the sessions of this workspace.');
    await result.close();
    await result.whenTaken();
    void vs.window.showInformationMessage(
      'Another window has taken over the sessions of this workspace. Their agents go on; this window writes nothing more.',
    );
    return false;
  }

  /** Waits for the other window. @returns true when the next try shall be by force */
  private async waitFor(other: OccupiedState): Promise<boolean> {
    const { show } = this.parts;
    const request = deferred<undefined>();
    let source: Awaited<ReturnType<OccupiedState['source']>>;
    try {
      const isKnown = this.state === 'occupied';
      const left = other.left.then(() => true);
      if (await within(Promise.race([left, this.aborted()]), isKnown ? 0 : POLITE_WAIT_MS, false)) {
        return false;
      }
      source = await other.source();
      show(source);
      this.takeOverRequest = request;
      this.enter(
        'occupied',
        `Another window (process ${other.pid}) has the sessions of this workspace; ${source ? 'you see them as they are there' : 'they cannot be shown here meanwhile'}. Close it, and this window goes on by itself, or run "Deputy: Take Over".`,
      );
      await Promise.race([left, request.promise, this.aborted()]);
      if (!request.isSettled) return false;
      await other.askToLeave();
      return true;
    } finally {
      this.takeOverRequest = undefined;
      show(undefined);
      source?.dispose();
      other.dispose();
    }
  }

  private enter(state: GateState, problem: string | undefined): void {
    const { vs, view, log } = this.parts;
    this.state = state;
    this.problem = problem;
    log.info(problem === undefined ? `state: ${state}` : `state: ${state}: ${problem}`);
    // A path is one long word, which the view would cut off.
    view.message = state === 'noFolder' ? undefined : problem?.replace(/[\\/]/g, '$&\u200b');
    void vs.commands.executeCommand('setContext', 'deputy.state', state);
    this.decided.resolve(undefined);
  }

  /** A call, because the answer changes while others are awaited. */
  private isClosing(): boolean {
    return this.abort.signal.aborted;
  }

  private aborted(): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.abort.signal.aborted) resolve(true);
      else this.abort.signal.addEventListener('abort', () => resolve(true), { once: true });
    });
  }
}
