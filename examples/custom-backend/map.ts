import { type BackendEntry, type CacheBackend, defineBackend, type RawStore } from 'vecstash';

/** A backend over a `Map`, which knows no TTLs: the shell keeps each entry's end beside its value. */
export function mapBackend(map = new Map<string, Uint8Array>()): CacheBackend {
  return defineBackend(new MapStore(map), { name: 'MapBackend', expiry: 'shell', ordered: false });
}

class MapStore implements RawStore {
  readonly #map: Map<string, Uint8Array>;

  constructor(map: Map<string, Uint8Array>) {
    this.#map = map;
  }

  getMany(keys: readonly string[]): (Uint8Array | undefined)[] {
    return keys.map((key) => this.#map.get(key));
  }

  setMany(entries: readonly BackendEntry[]): void {
    for (const { key, value } of entries) this.#map.set(key, value);
  }

  deleteMany(keys: readonly string[]): void {
    for (const key of keys) this.#map.delete(key);
  }

  list(prefix: string): { keys: string[] } {
    return { keys: [...this.#map.keys()].filter((key) => key.startsWith(prefix)) };
  }
}
