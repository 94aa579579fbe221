import type { Clock } from '../../clock.js';
import { clearInterval, setInterval } from '../../runtime.js';

interface Waiter {
  /** Takes what there is room for. Tells whether that was all. */
  take: () => boolean;
  finish: (isDone: boolean) => void;
}

/** Whoever waits for room in a queue, first come first served. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting: Waiter[] = [];
  #maxMs: number;

  /** @param maxMs how long anybody waits, in milliseconds */
  constructor(maxMs: number, clock: Clock) {
    this.#maxMs = maxMs;
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** From now on nobody waits for longer than that. */
  shorten(maxMs: number): void {
    this.#maxMs = Math.min(this.#maxMs, maxMs);
  }

  /** Calls `take` whenever there is room, and resolves to whether it took all in time. */
  wait(take: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const startedAt = this.#clock.now();
      const waiter: Waiter = {
        take,
        finish: (isDone) => {
          stop();
          clearInterval(keepAlive);
          const place = this.#waiting.indexOf(waiter);
          if (place >= 0) this.#waiting.splice(place, 1);
          resolve(isDone);
        },
      };
      const isOver = () => this.#clock.now() - startedAt >= this.#maxMs;
      const stop = this.#clock.every(100, () => isOver() && waiter.finish(false));
      // The clock keeps no process alive, and somebody waits for this.
      const keepAlive = setInterval(() => {}, 60_000);
      this.#waiting.push(waiter);
    });
  }

  /** There is room. */
  serve(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || !first.take()) return;
      first.finish(true);
    }
  }
}
