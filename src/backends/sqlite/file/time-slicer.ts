import { performance, setImmediate, yieldThread } from '../../../runtime.js';

/** How long the steps of one turn of the event loop may take together, in milliseconds. */
const MAX_TURN_MS = 3;

/** Asked after each row: whether the step has time for another. */
export type HasTimeLeft = () => boolean;

/**
 * SQLite is synchronous. Its work is cut into steps, and all calls of a backend share what one turn
 * of the event loop may take: what is beyond it waits for a later turn, in the order in which it
 * was asked.
 */
export class TimeSlicer {
  #spent = 0;
  /** Ends when the step that was asked for last is over. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs a step that may take `time` milliseconds and does one row in any case. What its commit
   * takes comes on top.
   */
  run<T>(time: number, step: (hasTimeLeft: HasTimeLeft) => T): Promise<T> {
    const result = this.#last.then(() => this.#run(time, step));
    this.#last = result.catch(() => {});
    return result;
  }

  async #run<T>(time: number, step: (hasTimeLeft: HasTimeLeft) => T): Promise<T> {
    // A step with little time left is not worth its transaction.
    while (this.#spent > MAX_TURN_MS / 2) await yieldThread();
    const start = performance.now();
    try {
      return step(() => performance.now() - start < time);
    } finally {
      this.#spend(performance.now() - start);
    }
  }

  #spend(time: number): void {
    if (this.#spent === 0) {
      setImmediate(() => {
        this.#spent = 0;
      });
    }
    this.#spent += time;
  }
}
