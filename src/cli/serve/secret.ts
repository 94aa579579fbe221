import { randomBytes } from 'node:crypto';
import type { Cache } from '../../cache/cache.js';
import type { Values } from '../../cache/values.js';
import { setTimeout, unref } from '../../runtime.js';

const KEY = 'identity';

/** How often it is tried to store it, in milliseconds. */
const RETRY = 5000;

/**
 * The secret that callers' identities are made with, and that the backend keeps: made once, by
 * whichever process is first. While the backend is down one is made for now; what the backend has
 * or takes later counts from then on.
 */
export class KeptSecret {
  readonly #kept: Values<Uint8Array>;
  #current: Uint8Array = randomBytes(32);

  /** @param onLost hears that it is not stored */
  static async of(cache: Cache, namespace: string, onLost: () => void): Promise<KeptSecret> {
    const secret = new KeptSecret(cache.values<Uint8Array>(`${namespace}-secret`.slice(-64)));
    if (!(await secret.#keep())) {
      onLost();
      secret.#keepLater();
    }
    return secret;
  }

  private constructor(kept: Values<Uint8Array>) {
    this.#kept = kept;
  }

  get current(): Uint8Array {
    return this.#current;
  }

  /** Tells whether the backend has it. */
  async #keep(): Promise<boolean> {
    await this.#kept.getOrCompute(KEY, async () => this.#current);
    const stored = await this.#kept.get(KEY);
    this.#current = stored ?? this.#current;
    return stored !== undefined;
  }

  #keepLater(): void {
    const later = async () => {
      const isKept = await this.#keep().catch(() => false);
      if (!isKept) this.#keepLater();
    };
    unref(setTimeout(() => void later(), RETRY));
  }
}
