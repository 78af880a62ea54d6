import type * as vscode from 'vscode';
import { deferred, within } from '../base/async';
import { messageOf, UserError } from '../base/errors';
import type { Logger } from '../base/log';

/** Value of the context key `deputy.state`, on which welcome texts and commands depend. */
export type GateState = 'opening' | 'noFolder' | 'occupied' | 'unavailable' | 'ready';

/** One try to get hold of the workspace's state. */
export type OpenAttempt<W> =
  | { readonly kind: 'open'; readonly workbench: W; readonly close: () => Promise<void> }
  /** Another process has it until `left` settles. */
  | {
      readonly kind: 'occupied';
      readonly pid: number;
      readonly left: Promise<void>;
      readonly dispose: () => void;
    };

/** Time for a window that is being reloaded to leave, in milliseconds; VS Code's own promise. */
const POLITE_WAIT_MS = 6_000;

/**
 * Gets hold of the workspace's state and says in the view where it stands. While another window has
 * it, this one waits and goes on as soon as the other leaves: an empty list is never shown in place
 * of one that cannot be read.
 */
export class StateGate<W> {
  private readonly abort = new AbortController();
  private readonly decided = deferred<undefined>();
  private state: GateState = 'opening';
  private problem: string | undefined;
  private open: { readonly workbench: W; readonly close: () => Promise<void> } | undefined;

  /**
   * @param attempt tries once; undefined when the window has no folder
   * @param view shows the problem, when there is one
   * @param onOpen called once with what was opened
   */
  constructor(
    private readonly vs: typeof vscode,
    private readonly view: { message?: string | undefined },
    private readonly log: Logger,
    private readonly attempt: (() => Promise<OpenAttempt<W>>) | undefined,
    private readonly onOpen: (workbench: W) => void,
  ) {}

  /** Opens the state; settles when it is open, or cannot be. Never rejects. */
  async run(): Promise<void> {
    if (!this.attempt) {
      this.enter('noFolder', 'Open a folder first: a session works in one.');
      return;
    }
    try {
      while (!this.abort.signal.aborted) {
        const result = await this.attempt();
        if (result.kind === 'open') {
          await this.take(result);
          return;
        }
        await this.waitFor(result);
      }
    } catch (error) {
      this.log.error('The state of this workspace cannot be opened.', error);
      this.enter('unavailable', messageOf(error));
      void this.vs.window.showErrorMessage(messageOf(error));
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

  /** Saves and lets go of everything; the agents live on. */
  async close(): Promise<void> {
    this.abort.abort();
    const { open } = this;
    this.open = undefined;
    this.decided.resolve(undefined);
    await open?.close();
  }

  private async take(result: Extract<OpenAttempt<W>, { kind: 'open' }>): Promise<void> {
    if (this.abort.signal.aborted) {
      await result.close();
      return;
    }
    this.open = result;
    this.onOpen(result.workbench);
    this.enter('ready', undefined);
  }

  private async waitFor(other: Extract<OpenAttempt<W>, { kind: 'occupied' }>): Promise<void> {
    const stop = (): void => other.dispose();
    this.abort.signal.addEventListener('abort', stop);
    try {
      const hasLeft = await within(
        other.left.then(() => true),
        this.state === 'occupied' ? 0 : POLITE_WAIT_MS,
        false,
      );
      if (hasLeft || this.abort.signal.aborted) return;
      this.enter(
        'occupied',
        `Another window (process ${other.pid}) has the sessions of this workspace. Go on there, or close it: this window then takes over by itself.`,
      );
      await other.left;
    } finally {
      this.abort.signal.removeEventListener('abort', stop);
    }
  }

  private enter(state: GateState, problem: string | undefined): void {
    this.state = state;
    this.problem = problem;
    this.log.info(problem === undefined ? `state: ${state}` : `state: ${state}: ${problem}`);
    this.view.message = state === 'noFolder' ? undefined : problem;
    void this.vs.commands.executeCommand('setContext', 'deputy.state', state);
    this.decided.resolve(undefined);
  }
}
