import { messageOf } from '../base/errors';
import type { ActCommand } from '../agents/runnerClient';
import type { RunnerReply } from '../domain/runnerProtocol';

/**
 * Lets each command act once: one that comes again, over whatever connection, is answered as it was
 * the first time. A refused one has not acted and may be tried again.
 */
export class CommandDesk {
  private readonly replies = new Map<string, Promise<RunnerReply>>();

  /**
   * @param doneIds ids of commands that an earlier runner of the session acted on
   * @param act does what the command says; what it throws becomes the refusal
   */
  constructor(
    doneIds: Iterable<string>,
    private readonly act: (command: ActCommand) => Promise<void>,
  ) {
    for (const id of doneIds) this.replies.set(id, Promise.resolve({ reply: id, ok: true }));
  }

  /** Acts on a command, or has acted on it before. Never rejects. */
  handle(command: ActCommand): Promise<RunnerReply> {
    const known = this.replies.get(command.id);
    if (known) return known;
    const reply = this.answer(command);
    this.replies.set(command.id, reply);
    return reply;
  }

  private async answer(command: ActCommand): Promise<RunnerReply> {
    try {
      await this.act(command);
      return { reply: command.id, ok: true };
    } catch (error) {
      this.replies.delete(command.id);
      return { reply: command.id, ok: false, error: messageOf(error) };
    }
  }
}
