/** Tells those who wait that something is different; they look for themselves what it is. */
export class Changes {
  private waiting: (() => void)[] = [];

  /** Settles with the next {@link tell}. */
  next(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  tell(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
