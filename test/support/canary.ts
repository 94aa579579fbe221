import type { BackendEntry, CacheBackend } from '../../src/backends/backend.js';
import { createCache } from '../../src/cache/cache.js';
import type { WatchDriftOptions } from '../../src/canary/options.js';
import { watchDrift } from '../../src/canary/watch-drift.js';
import { BackendError } from '../../src/errors.js';
import { ManualClock } from '../observability/manual-clock.js';
import { prf } from './prf.js';

export const DIMENSIONS = 32;

/** A provider of one model, which may become another behind the same name. */
export class Provider {
  /** What vectors are made of, beside the text. */
  version = 'first';
  dimensions = DIMENSIONS;
  /** Makes the vectors of a call anew. */
  change: (vector: Float32Array, place: number) => Float32Array = (vector) => vector;
  /** Runs before each answer. */
  before: () => unknown = () => {};
  readonly calls: string[][] = [];

  vectorOf(text: string): Float32Array {
    return prf(`${this.version} ${text}`, this.dimensions);
  }

  readonly embed = async (texts: string[]): Promise<Float32Array[]> => {
    this.calls.push(texts);
    await this.before();
    return texts.map((text, place) => this.change(this.vectorOf(text), place));
  };
}

/** A store that several instances share, whose leases and TTLs go by the clock of the test. */
export class SharedStore {
  readonly clock = new ManualClock();
  readonly #records = new Map<string, { value: Uint8Array; end: number }>();
  readonly #leases = new Map<string, { holder: string; end: number }>();

  /** One connection to it. */
  connect(options: { hasLeases?: boolean } = {}): CacheBackend & { isDown: boolean } {
    const up = <T>(work: () => Promise<T>) => (backend.isDown ? Promise.reject<T>(new BackendError('down')) : work());
    const leases = {
      acquire: (names: readonly string[], holder: string, ttlMs: number) =>
        up(async () => names.map((name) => this.#acquire(name, holder, ttlMs))),
      release: (names: readonly string[], holder: string) =>
        up(async () => {
          for (const name of names) if (this.#leases.get(name)?.holder === holder) this.#leases.delete(name);
        }),
    };
    const backend: CacheBackend & { isDown: boolean } = {
      isDown: false,
      // No breaker: what is up again answers at once.
      isolatesFailures: true,
      getMany: (keys) => up(async () => keys.map((key) => this.#read(key))),
      setMany: (entries) => up(async () => this.#write(entries)),
      deleteMany: (keys) => up(async () => this.#remove(keys)),
      clear: (prefix) =>
        up(async () => this.#remove([...this.#records.keys()].filter((key) => key.startsWith(prefix)))),
      health: async () => ({ ok: !backend.isDown, latencyMs: 0 }),
      close: async () => {},
      ...(options.hasLeases !== false && { leases }),
    };
    return backend;
  }

  #read(key: string): Uint8Array | undefined {
    const known = this.#records.get(key);
    return known && known.end > this.clock.now() ? known.value : undefined;
  }

  #write(entries: readonly BackendEntry[]): void {
    const now = this.clock.now();
    for (const { key, value, ttlMs = Number.POSITIVE_INFINITY } of entries)
      this.#records.set(key, { value: value.slice(), end: now + ttlMs });
  }

  #remove(keys: readonly string[]): number {
    return keys.filter((key) => this.#records.delete(key)).length;
  }

  #acquire(name: string, holder: string, ttlMs: number): boolean {
    const now = this.clock.now();
    const known = this.#leases.get(name);
    if (known !== undefined && known.end > now && known.holder !== holder) return false;
    this.#leases.set(name, { holder, end: now + ttlMs });
    return true;
  }
}

/** An instance of an application that watches a provider. */
export function watching(
  store: SharedStore,
  provider: Provider,
  options: Partial<WatchDriftOptions> = {},
  backend = store.connect(),
) {
  const cache = createCache({ backend });
  const all = { model: 'm', dimensions: DIMENSIONS, embed: provider.embed, ...options };
  return { cache, backend, ...watchDrift(cache, 'docs', all, store.clock) };
}
