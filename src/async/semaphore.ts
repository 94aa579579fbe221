import { onAbort } from './abort.js';

/** A task that waits for a permit, or has one. */
export interface Permit {
  /** Resolves when the task may start. Rejects with the reason of its signal. */
  readonly granted: Promise<void>;
  /** Lets the task start now, beyond the limit. */
  startNow(): void;
}

export interface PermitOptions {
  /** Ends the wait for the permit. */
  signal?: AbortSignal | undefined;
  /** Is told of the permit before it is waited for. */
  onPermit?: ((permit: Permit) => void) | undefined;
}

/**
 * Lets at most `max` tasks run at once; the others wait, in order. Written here because no package
 * (p-limit, async-sema) can let a waiting task go beyond the limit, which a task needs that others
 * with a permit wait for.
 */
export class Semaphore {
  readonly #max: number;
  #running = 0;
  /**
   * What starts each task that waits, by its place. Those that were let in early, or left, are not
   * in it: whoever has the permits may never end.
   */
  readonly #waiting = new Map<number, () => void>();
  /** The place that is next, and the first that nobody has taken yet. */
  #next = 0;
  #end = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Asks for a permit, which is given back by `release`. Where `signal` is aborted before it is
   * granted, there is none.
   */
  acquire(signal?: AbortSignal): Permit {
    if (signal?.aborted) return { granted: Promise.reject(signal.reason), startNow: () => {} };
    if (this.#running < this.#max) {
      this.#running += 1;
      return { granted: Promise.resolve(), startNow: () => {} };
    }
    const place = this.#end++;
    let startNow = () => {};
    const granted = new Promise<void>((resolve, reject) => {
      const stopListening = signal && onAbort(signal, () => this.#waiting.delete(place) && reject(signal.reason));
      startNow = () => {
        if (!this.#waiting.delete(place)) return;
        stopListening?.();
        this.#running += 1;
        resolve();
      };
    });
    this.#waiting.set(place, startNow);
    return { granted, startNow };
  }

  release(): void {
    this.#running -= 1;
    while (this.#running < this.#max && this.#next < this.#end) this.#waiting.get(this.#next++)?.();
  }

  /**
   * Gives a permit back for as long as `wait` takes, so that others can run meanwhile. Who is
   * aborted has only to end, and does not wait for a permit again.
   */
  async without<T>(wait: () => Promise<T>, { signal, onPermit }: PermitOptions = {}): Promise<T> {
    this.release();
    try {
      return await wait();
    } finally {
      const permit = this.acquire();
      onPermit?.(permit);
      if (signal?.aborted) permit.startNow();
      else if (signal) void permit.granted.then(onAbort(signal, permit.startNow));
      await permit.granted;
    }
  }

  async run<T>(task: () => Promise<T>, { signal, onPermit }: PermitOptions = {}): Promise<T> {
    const permit = this.acquire(signal);
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
