/** Draws numbers that depend on nothing but its seed. */
export class Random {
  private state: number;

  /** @param parts whole numbers; each combination gives another sequence */
  constructor(...parts: readonly number[]) {
    this.state = parts.reduce(
      (hash, part) => Math.imul(hash ^ part, 0x9e3779b1) ^ (hash >>> 15),
      7,
    );
  }

  /** From 0 to less than 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to less than `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A whole number from 1 to `limit`, small ones as often as large ones. */
  upTo(limit: number): number {
    return Math.max(1, Math.floor(limit ** this.next()));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[this.below(from.length)] ?? from[0];
  }
}
