import { ClosedError } from '../errors.js';
import { isPromise } from './attempt.js';

/**
 * Tracks the calls under way of something that can be closed: closing waits for them, and later
 * calls are refused.
 */
export class CallTracker {
  readonly #name: string;
  readonly #calls = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @param name for the `ClosedError`, such as 'RedisBackend' */
  constructor(name: string) {
    this.#name = name;
  }

  /** Runs a call. Rejects with `ClosedError` after `close`. */
  async run<T>(call: () => T | PromiseLike<T>): Promise<Awaited<T>> {
    this.checkOpen();
    const running = call();
    // What has returned at once need not be waited for.
    if (!isPromise(running)) return running as Awaited<T>;
    const promise = running as Promise<Awaited<T>>;
    this.#calls.add(promise);
    try {
      return await promise;
    } finally {
      this.#calls.delete(promise);
    }
  }

  /** Throws `ClosedError` after `close`. */
  checkOpen(): void {
    if (this.#closing) throw new ClosedError(this.#name);
  }

  /** Waits for the calls under way, then runs `release`, once however often it is called. */
  close(release: () => void | PromiseLike<void>): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#calls).then(release);
    return this.#closing;
  }
}
