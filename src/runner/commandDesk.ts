import { messageOf } from '../base/errors';
import type { ActCommand } from '../agents/runnerClient';
import type { RunnerReply } from '../domain/runnerProtocol';

/**
 * How many commands that are done are remembered. A client may send one again whose answer it has not
 * got, and until then, or until the event that it causes, sends no other: only the latest of each
 * client can come again, however long ago it was. So a runner that lives for weeks needs no more memory.
 */
const MAX_REMEMBERED = 1_000;

/**
 * Lets each command act once: one that comes again, over whatever connection, is answered as it was
 * the first time. A refused one has not acted and may be tried again.
 */
export class CommandDesk {
  private readonly underWay = new Map<string, Promise<RunnerReply>>();
  /** Ids of what is done, the oldest first. */
  private readonly doneIds = new Set<string>();

  /**
   * @param doneIds ids of commands that an earlier runner of the session acted on, the oldest first
   * @param act does what the command says; what it throws becomes the refusal
   */
  constructor(
    doneIds: Iterable<string>,
    private readonly act: (command: ActCommand) => Promise<void>,
  ) {
    for (const id of doneIds) this.remember(id);
  }

  /** Acts on a command, or has acted on it before. Never rejects. */
  handle(command: ActCommand): Promise<RunnerReply> {
    const { id } = command;
    if (this.doneIds.has(id)) return Promise.resolve({ reply: id, ok: true });
    const known = this.underWay.get(id);
    if (known) return known;
    const reply = this.answer(command).finally(() => this.underWay.delete(id));
    this.underWay.set(id, reply);
    return reply;
  }

  private async answer(command: ActCommand): Promise<RunnerReply> {
    const { id } = command;
    try {
      await this.act(command);
      this.remember(id);
      return { reply: id, ok: true };
    } catch (error) {
      return { reply: id, ok: false, error: messageOf(error) };
    }
  }

  private remember(id: string): void {
    this.doneIds.add(id);
    if (this.doneIds.size <= MAX_REMEMBERED) return;
    for (const oldest of this.doneIds) {
      this.doneIds.delete(oldest);
      break;
    }
  }
}
