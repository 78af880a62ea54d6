import type { Random } from '../fault/random';
import { turns } from './turns';

/** What the code of a dead host would see if it ran on: nothing that it does counts. */
export class HostGoneError extends Error {
  override name = 'HostGoneError';
}

/**
 * The way from one host to the outside. Everything that a host asks for passes it, takes some turns of
 * the event loop, and may be cut off by the host's death before or after it has happened.
 */
export class Passage {
  isOpen = true;

  /** @param busy counts what is under way, over all hosts */
  constructor(
    readonly random: Random,
    private readonly busy: { count: number; total: number },
  ) {}

  /** @throws {HostGoneError} once the host is dead */
  async pass(): Promise<void> {
    this.assertOpen();
    await this.outlast(() => turns(this.random.below(3)));
    this.assertOpen();
  }

  /** Does something that goes on when the host dies. */
  async outlast(work: () => Promise<void>): Promise<void> {
    this.busy.count += 1;
    this.busy.total += 1;
    try {
      await work();
    } finally {
      this.busy.count -= 1;
    }
  }

  private assertOpen(): void {
    if (!this.isOpen) throw new HostGoneError('The host is gone.');
  }
}
