/** A task that waits for a permit, or has one. */
export interface Permit {
  /** Resolves when the task may start. */
  readonly granted: Promise<void>;
  /** Lets the task start now, beyond the limit. */
  startNow(): void;
}

/**
 * Lets at most `max` tasks run at once; the others wait, in order. Written here because no package
 * (p-limit, async-sema) can let a waiting task go beyond the limit, which a task needs that others
 * with a permit wait for.
 */
export class Semaphore {
  readonly #max: number;
  #running = 0;
  /** In order. Those before `#next` have started, and so may others have by `startNow`. */
  readonly #waiting: { start: () => void; hasStarted: boolean }[] = [];
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Asks for a permit, which is given back by `release`. */
  acquire(): Permit {
    if (this.#running < this.#max) {
      this.#running += 1;
      return { granted: Promise.resolve(), startNow: () => {} };
    }
    let grant = () => {};
    const granted = new Promise<void>((resolve) => {
      grant = resolve;
    });
    const waiting = {
      hasStarted: false,
      start: () => {
        if (waiting.hasStarted) return;
        waiting.hasStarted = true;
        this.#running += 1;
        grant();
      },
    };
    this.#waiting.push(waiting);
    return { granted, startNow: waiting.start };
  }

  release(): void {
    this.#running -= 1;
    while (this.#running < this.#max && this.#next < this.#waiting.length) {
      this.#waiting[this.#next]?.start();
      this.#next += 1;
    }
    if (2 * this.#next > this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
  }

  /** Gives a permit back for as long as `wait` takes, so that others can run meanwhile. */
  async without<T>(wait: () => Promise<T>, onPermit?: (permit: Permit) => void): Promise<T> {
    this.release();
    try {
      return await wait();
    } finally {
      const permit = this.acquire();
      onPermit?.(permit);
      await permit.granted;
    }
  }

  async run<T>(task: () => Promise<T>, onPermit?: (permit: Permit) => void): Promise<T> {
    const permit = this.acquire();
    onPermit?.(permit);
    await permit.granted;
    try {
      return await task();
    } finally {
      this.release();
    }
  }
}

/**
 * Does `work` for each item in order, for `concurrency` of them at once. Rejects with the first
 * failure; what is under way goes on.
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}
