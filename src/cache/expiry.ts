import type { BackendTouch } from '../backends/backend.js';
import { InvalidOptionError } from '../errors.js';
import type { Outcome } from '../events.js';
import { AdaptiveTtl, type CheckedAdaptiveTtl } from '../policies/adaptive-ttl.js';
import { unref } from '../runtime.js';
import { parseTtl, type Ttl } from '../ttl.js';
import type { StatsRecorder } from './stats.js';
import type { Store } from './store/store.js';

/** How long TTLs that are to be extended are gathered, in milliseconds. */
const GATHERING = 1_000;

/** TTLs that are gathered at most: what comes on top is tried again at its next hit. */
const MAX_GATHERED = 10_000;

/** The TTL options of a namespace, checked. */
export interface ExpiryOptions {
  /** In milliseconds. */
  ttl?: number | undefined;
  adaptiveTtl?: CheckedAdaptiveTtl | undefined;
}

/**
 * Decides the TTL of what a namespace writes: the call's own, one that follows use, the namespace's
 * or the cache's.
 */
export class Expiry {
  readonly #ttlMs: number | undefined;
  readonly #adaptive: AdaptiveExpiry | undefined;

  /**
   * Throws `InvalidOptionError` where both options are given, or `adaptiveTtl` for a backend that
   * cannot extend TTLs.
   *
   * @param defaultMs the cache's TTL
   * @param adaptive undefined where the backend cannot extend TTLs
   */
  constructor(
    { ttl, adaptiveTtl }: ExpiryOptions,
    defaultMs: number | undefined,
    adaptive: ((options: CheckedAdaptiveTtl) => AdaptiveExpiry) | undefined,
  ) {
    if (adaptiveTtl === undefined) {
      this.#ttlMs = ttl ?? defaultMs;
      return;
    }
    if (ttl !== undefined) throw new InvalidOptionError('ttl', 'none beside adaptiveTtl', `${ttl} ms`);
    if (adaptive === undefined) {
      throw new InvalidOptionError('adaptiveTtl', 'a backend that can extend TTLs (touchMany)', 'another backend');
    }
    this.#adaptive = adaptive(adaptiveTtl);
  }

  /** The TTL that a call asks for, or the namespace's, in milliseconds. */
  ofCall(call: { ttl?: Ttl | undefined }): number | undefined {
    return call.ttl === undefined ? this.#ttlMs : parseTtl(call.ttl, 'ttl');
  }

  /** The TTL of what is written under `key`, in milliseconds. */
  ofWrite(key: string, ttlMs: number | undefined): number | undefined {
    return ttlMs ?? this.#adaptive?.ttlOf(key);
  }

  /** Learns from what became of the keys of a lookup. */
  record(keys: readonly string[], outcomes: readonly Outcome[]): void {
    this.#adaptive?.record(keys, outcomes);
  }
}

/** TTLs that follow how often entries are asked for; extends them in the background. */
export class AdaptiveExpiry {
  readonly #policy: AdaptiveTtl;
  readonly #store: Store;
  readonly #recorder: StatsRecorder;
  #gathered = new Map<string, BackendTouch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CheckedAdaptiveTtl, store: Store, recorder: StatsRecorder) {
    this.#policy = new AdaptiveTtl(options);
    this.#store = store;
    this.#recorder = recorder;
    store.beforeClose(() => this.#extend());
  }

  /** Learns from what became of the keys of a lookup. */
  record(keys: readonly string[], outcomes: readonly Outcome[]): void {
    const now = performance.now();
    keys.forEach((key, i) => {
      if (outcomes[i] === 'hit') {
        const ttlMs = this.#policy.hit(key, now);
        if (ttlMs !== undefined) this.#gather({ key, ttlMs }, now);
      } else this.#policy.miss(key, now);
    });
  }

  /** The TTL of what is written now under a key, in milliseconds. */
  ttlOf(key: string): number {
    return this.#policy.written(key, performance.now());
  }

  #gather(touch: BackendTouch, now: number): void {
    if (this.#gathered.size >= MAX_GATHERED) {
      this.#policy.forget(touch.key, now);
      return;
    }
    this.#gathered.set(touch.key, touch);
    this.#timer ??= unref(globalThis.setTimeout(() => void this.#extend(), GATHERING));
  }

  async #extend(): Promise<void> {
    globalThis.clearTimeout(this.#timer);
    this.#timer = undefined;
    const touches = [...this.#gathered.values()];
    this.#gathered = new Map();
    if (touches.length === 0 || (await this.#store.touch(touches, this.#recorder))) return;
    const now = performance.now();
    for (const { key } of touches) this.#policy.forget(key, now);
  }
}
