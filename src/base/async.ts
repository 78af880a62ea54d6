/** A promise together with the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  /** True from the first call of one of the functions on. */
  readonly isSettled: boolean;
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Makes a {@link Deferred}. A rejection that nobody awaits is not reported as unhandled. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => undefined);
  const result = {
    promise,
    isSettled: false,
    resolve: (value: T): void => {
      result.isSettled = true;
      resolve(value);
    },
    reject: (error: Error): void => {
      result.isSettled = true;
      reject(error);
    },
  };
  return result;
}

/** Waits. Only for back-off and grace times; never to wait for something that has an event. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/** The value of `promise`, or `fallback` when it has not settled after `ms` milliseconds. */
export async function within<T, F>(promise: Promise<T>, ms: number, fallback: F): Promise<T | F> {
  const timeUp = new AbortController();
  try {
    return await Promise.race([promise, delay(ms, timeUp.signal).then(() => fallback)]);
  } finally {
    timeUp.abort();
  }
}

/** Runs jobs that share a key one after the other, in the order they came; keys do not wait for each other. */
export class KeyedQueue {
  private readonly tails = new Map<string, Promise<unknown>>();

  /** Settles as `job` does, once every earlier job of `key` has settled. */
  run<T>(key: string, job: () => Promise<T>): Promise<T> {
    const result = (this.tails.get(key) ?? Promise.resolve()).then(job, job);
    const tail = result.catch(() => undefined);
    this.tails.set(key, tail);
    void tail.then(() => {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    });
    return result;
  }

  /** Settles when every job that is queued now has settled; never rejects. */
  async idle(): Promise<void> {
    await Promise.all(this.tails.values());
  }
}

/**
 * Folds many requests for the same piece of work into few runs: while one runs, at most one more is
 * remembered, and it sees everything that was requested before it started.
 */
export class Coalesced {
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(private readonly work: () => Promise<void>) {}

  /** Settles with the first run that starts after this call. */
  request(): Promise<void> {
    if (!this.running) {
      this.running = this.work().finally(() => (this.running = undefined));
      return this.running;
    }
    this.next ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.request();
      });
    return this.next;
  }
}
