/** How long to wait between attempts. */
export interface BackoffOptions {
  /** The first delay, in milliseconds. */
  readonly baseMs: number;
  /** The longest delay, in milliseconds. */
  readonly maxMs: number;
  /** By what each delay is longer than the one before. @default 2 */
  readonly factor?: number;
  /**
   * The share of a delay that is chance: 0 is none, 1 ("full jitter") anything between nothing and
   * the whole delay. @default 0
   */
  readonly jitter?: number;
}

/**
 * The delay before one more attempt after `failures` others have failed and been waited for, in
 * milliseconds.
 */
export function backoffDelay(failures: number, { baseMs, maxMs, factor = 2, jitter = 0 }: BackoffOptions): number {
  return Math.min(maxMs, baseMs * factor ** failures) * (1 - Math.random() * jitter);
}

/** Delays between attempts that grow from one to the next. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next delay, in milliseconds. */
  next(): number {
    const delay = backoffDelay(this.#failures, this.#options);
    this.#failures += 1;
    return delay;
  }

  /** Starts again with the first delay: an attempt has succeeded. */
  reset(): void {
    this.#failures = 0;
  }
}
