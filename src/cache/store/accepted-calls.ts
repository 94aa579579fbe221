import { atMost } from '../../async/deadline.js';
import { performance } from '../../runtime.js';

/** The calls of a cache that were accepted and have not ended: closing waits for them. */
export class AcceptedCalls {
  #count = 0;
  #endedAt = 0;
  #onIdle = () => {};

  /** Settles as `call` does. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await call();
    } finally {
      this.#count -= 1;
      this.#endedAt = performance.now();
      if (this.#count === 0) this.#onIdle();
    }
  }

  /**
   * Resolves when none is under way, or nothing has ended for `stall` milliseconds.
   *
   * @param movedAt when something else ended that tells that it goes on, by the monotonic clock
   */
  async idle(stall: number, movedAt: () => number): Promise<void> {
    const start = performance.now();
    while (this.#count > 0) {
      const left = Math.max(start, this.#endedAt, movedAt()) + stall - performance.now();
      if (left <= 0) return;
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      await atMost(left, idle);
    }
  }
}
