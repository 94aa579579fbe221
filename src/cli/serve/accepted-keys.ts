import { LRUCache } from 'lru-cache';
import { untilAborted } from '../../async/abort.js';
import { HttpError, UNREACHABLE, UpstreamError } from './errors.js';

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
   * failing. One that failed at its own input says nothing to the others: each makes its own. The
   * signal ends the wait, and not the check.
   */
  async ensure(identity: string, model: string, check: () => Promise<void>, signal?: AbortSignal): Promise<boolean> {
    const key = `${identity} ${model}`;
    if (this.#accepted.has(key)) return false;
    const running = this.#checks.get(key);
    if (running !== undefined) {
      try {
        await untilAborted(running, signal);
        return false;
      } catch (error) {
        signal?.throwIfAborted();
        if (speaksForAll(error)) throw error;
      }
    }
    await untilAborted(this.#start(key, check), signal);
    return true;
  }

  /** The upstream does not accept the key any more. */
  forget(identity: string): void {
    for (const key of this.#accepted.keys()) if (key.startsWith(`${identity} `)) this.#accepted.delete(key);
  }

  #start(key: string, check: () => Promise<void>): Promise<void> {
    const running = check()
      .then(() => void this.#accepted.set(key, true))
      .finally(() => {
        if (this.#checks.get(key) === running) this.#checks.delete(key);
      });
    if (!this.#checks.has(key)) this.#checks.set(key, running);
    return running;
  }
}

/** Whether it is about the key or the upstream, and not about the input or the time of one caller. */
function speaksForAll(error: unknown): boolean {
  if (error instanceof HttpError) return error.body.code === UNREACHABLE;
  return error instanceof UpstreamError && (error.isRefusal || error.status === 429 || error.status >= 500);
}
