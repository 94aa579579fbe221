import { seeded } from '../../bench/vectors.js';
import type { Clock } from '../../src/clock.js';

/** A world whose time and chance are made: the same seed gives the same events in the same order. Times in milliseconds. */
export class World {
  now = 0;
  readonly #events: { at: number; order: number; run: () => void }[] = [];
  #order = 0;
  /** A number of 0 to 1. */
  readonly chance: () => number;

  constructor(seed: number) {
    this.chance = seeded(seed);
  }

  between(least: number, most: number): number {
    return least + Math.floor(this.chance() * (most - least + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }

  after(delay: number, run: () => void): void {
    const event = { at: this.now + delay, order: this.#order++, run };
    let place = this.#events.length;
    while (place > 0 && (this.#events[place - 1] as { at: number }).at > event.at) place -= 1;
    this.#events.splice(place, 0, event);
  }

  wait(delay: number): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve));
  }

  /** Runs events until `isOver`, everything that follows from one before the next. Throws past `limit`. */
  async run(isOver: () => boolean, limit: number): Promise<void> {
    while (!isOver()) {
      const event = this.#events.shift();
      if (event === undefined || event.at > limit) throw new Error(`still not over at ${event?.at}`);
      this.now = event.at;
      event.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Runs until a promise is settled. */
  async until(promise: Promise<unknown>, limit: number): Promise<void> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.run(() => isSettled, limit);
  }
}

/**
 * A process of the world. While it is paused (SIGSTOP, a suspended machine, a long garbage collection) it runs nothing and so sends
 * nothing; afterwards everything that was to happen to it happens late, at once.
 */
export class Process {
  readonly world: World;
  readonly #lateness: number;
  #pauses = 0;
  #late: (() => void)[] = [];
  isDead = false;

  /** @param lateness how often a timer is late, of 0 to 1 */
  constructor(world: World, lateness = 0.1) {
    this.world = world;
    this.#lateness = lateness;
  }

  after(delay: number, run: () => void): void {
    this.world.after(delay, () => this.#happen(run));
  }

  wait(delay: number): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve));
  }

  pause(duration: number): void {
    this.#pauses += 1;
    this.world.after(duration, () => {
      this.#pauses -= 1;
      if (this.#pauses > 0) return;
      for (const run of this.#late.splice(0)) this.after(0, run);
    });
  }

  /** It ends without a word. */
  kill(): void {
    this.isDead = true;
    this.#late = [];
  }

  readonly clock: Clock = {
    now: () => this.world.now,
    every: (interval, tick) => {
      let isOver = false;
      const again = () => {
        if (isOver) return;
        tick();
        const { world } = this;
        this.after(world.chance() < this.#lateness ? world.between(interval, 8 * interval) : interval, again);
      };
      this.after(this.world.between(1, Math.max(1, interval)), again);
      return () => {
        isOver = true;
      };
    },
  };

  #happen(run: () => void): void {
    if (this.isDead) return;
    if (this.#pauses > 0) this.#late.push(run);
    else run();
  }
}
