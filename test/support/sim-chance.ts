import { seeded } from '../../bench/vectors.js';

/** The same seed gives the same choices. */
export class Chance {
  /** A number of 0 to 1. */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = seeded(Math.imul(seed, 0x9e3779b1));
  }

  is(share: number): boolean {
    return this.next() < share;
  }

  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** One of the items, each as often as its weight says. */
  weighed<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let place = this.next() * items.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, item] of items) {
      place -= weight;
      if (place < 0) return item;
    }
    return (items[0] as readonly [number, T])[1];
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }
}
