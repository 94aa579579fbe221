import { LRUCache } from 'lru-cache';
import { UpstreamError } from './errors.js';

const MAX_KEYS = 10_000;

/** Whose key the upstream has accepted, for which model, for a limited time. */
export class AcceptedKeys {
  readonly #accepted: LRUCache<string, true>;
  readonly #checks = new Map<string, Promise<void>>();

  constructor(ttlMs: number) {
    this.#accepted = new LRUCache({ max: MAX_KEYS, ttl: ttlMs });
  }

  /**
   * Resolves when the upstream has accepted the key: to true where this call's check was made.
   * Callers of one key and model share a check that succeeds, is refused or finds the upstream
   * failing; one that failed at its own input says nothing to the others.
   */
  async ensure(identity: string, model: string, check: () => Promise<void>): Promise<boolean> {
    const key = `${identity} ${model}`;
    while (!this.#accepted.has(key)) {
      const running = this.#checks.get(key);
      try {
        await (running ?? this.#start(key, check));
        return running === undefined;
      } catch (error) {
        if (running === undefined || !isOfTheInput(error)) throw error;
      }
    }
    return false;
  }

  /** The upstream does not accept the key any more. */
  forget(identity: string): void {
    for (const key of this.#accepted.keys()) if (key.startsWith(`${identity} `)) this.#accepted.delete(key);
  }

  #start(key: string, check: () => Promise<void>): Promise<void> {
    const running = check()
      .then(() => void this.#accepted.set(key, true))
      .finally(() => this.#checks.delete(key));
    this.#checks.set(key, running);
    return running;
  }
}

function isOfTheInput(error: unknown): boolean {
  if (!(error instanceof UpstreamError) || error.isRefusal) return false;
  return error.status >= 400 && error.status < 500 && error.status !== 429;
}
