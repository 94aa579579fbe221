import { ClosedError } from '../errors.js';

/** The calls of a backend that are under way: closing waits for them, and refuses later ones. */
export class OpenCalls {
  readonly #what: string;
  readonly #calls = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(what: string) {
    this.#what = what;
  }

  /** Runs a call. Rejects with `ClosedError` after `close`. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new ClosedError(this.#what);
    const running = call();
    this.#calls.add(running);
    try {
      return await running;
    } finally {
      this.#calls.delete(running);
    }
  }

  /** Waits for the calls under way, then runs `release`, once however often it is called. */
  close(release: () => Promise<void>): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#calls).then(release);
    return this.#closing;
  }
}
