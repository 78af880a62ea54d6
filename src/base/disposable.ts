/** Something that holds a resource until it is told to let go. `dispose` may be called twice. */
export interface Disposable {
  dispose(): void;
}

/** Collects disposables and disposes them in reverse order; what is added later is disposed at once. */
export class DisposableStore implements Disposable {
  private items: Disposable[] = [];
  private isDisposed = false;

  /** Takes ownership of `item` and returns it. */
  add<T extends Disposable>(item: T): T {
    if (this.isDisposed) item.dispose();
    else this.items.push(item);
    return item;
  }

  dispose(): void {
    this.isDisposed = true;
    const items = this.items;
    this.items = [];
    for (const item of items.reverse()) item.dispose();
  }
}
