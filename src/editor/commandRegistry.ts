import type * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { messageOf, UserError } from '../base/errors';
import type { Logger } from '../base/log';
import type { CommandId } from './commandIds';
import { SessionNode } from './sessionNode';

/** What a command does with the arguments that a menu, a key binding or other code gives it. */
export type CommandHandler = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * The only door for commands, and the only place that shows errors. A person who used the palette or
 * a menu gets a message; code that gave arguments of its own gets the rejection.
 */
export class CommandRegistry implements Disposable {
  private readonly disposables = new DisposableStore();

  constructor(
    private readonly vs: typeof vscode,
    private readonly log: Logger,
  ) {}

  register(id: CommandId, handler: CommandHandler): void {
    const run = async (...args: readonly unknown[]): Promise<unknown> => {
      try {
        return await handler(...args);
      } catch (error) {
        if (error instanceof UserError) this.log.warn(`${id}: ${error.message}`);
        else this.log.error(`${id} failed`, error);
        const isPerson = args[0] === undefined || args[0] instanceof SessionNode;
        if (!isPerson) throw error;
        void this.vs.window.showErrorMessage(messageOf(error));
        return undefined;
      }
    };
    // eslint-disable-next-line no-restricted-syntax -- this is the door that the rule points to
    this.disposables.add(this.vs.commands.registerCommand(id, run));
  }

  dispose(): void {
    this.disposables.dispose();
  }
}
