import { clearInterval, performance, setInterval, unref } from '../runtime.js';

/** What is renewed, and how often. */
export interface RenewalOptions {
  /** How long it is held after a renewal was asked for, in milliseconds. */
  ttlMs: number;
  intervalMs: number;
  /** Renews it, and tells whether it is still held. A rejection says nothing: it is tried again. */
  renew: () => Promise<boolean>;
  /** Runs once: it is not held any more, or was not renewed for two intervals. */
  onLost?: () => void;
}

/** Renews a lease or locks while they are held, one round after the other. */
export class Renewal {
  readonly #options: RenewalOptions;
  readonly #timer: NodeJS.Timeout;
  #heldAt: number;
  #isRenewing = false;

  /** @param askedAt when it was asked for, by the monotonic clock */
  constructor(askedAt: number, options: RenewalOptions) {
    this.#options = options;
    this.#heldAt = askedAt;
    this.#timer = unref(setInterval(() => void this.#renew(), options.intervalMs));
  }

  /** When it may have expired, by the monotonic clock. */
  get expiresAt(): number {
    return this.#heldAt + this.#options.ttlMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    const { intervalMs, renew, onLost } = this.#options;
    const askedAt = performance.now();
    // A store that does not answer leaves it as it is until it expires: work is given up before
    // that.
    if (onLost && askedAt - this.#heldAt > 2 * intervalMs) return this.#lose();
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      if (await renew()) this.#heldAt = askedAt;
      else this.#lose();
    } catch {
      // Tried again at the next interval.
    } finally {
      this.#isRenewing = false;
    }
  }

  #lose(): void {
    const { onLost } = this.#options;
    if (onLost === undefined) return;
    this.stop();
    onLost();
  }
}
