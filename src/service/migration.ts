import type { CacheBackend } from '../backends/backend.js';
import type { Embeddings } from '../cache/embeddings.js';
import { legacyVector } from './legacy.js';

/** Where an older cache's vectors are. */
export interface MigrationOptions {
  /** What the older cache stored in. It is only read. */
  from: CacheBackend;
  /** The older cache's key of a text. Without it texts are not looked for. */
  textKey?: (text: string) => string;
  /** The older cache's key of an image. */
  imageKey?: (image: Uint8Array) => string;
}

/** Counts of values, since the service was made. */
export interface MigrationStats {
  /** Asked for, because the cache did not have them. */
  asked: number;
  /** Found, sound, and stored anew. */
  migrated: number;
  /** Found, and no vector of the right length. */
  refused: number;
  /** Reads of the older cache that failed. */
  errors: number;
}

interface Kinds {
  text: string;
  image: Uint8Array;
}

/** Fills what the cache misses with what an older one has. */
export class Migration {
  readonly stats: MigrationStats = { asked: 0, migrated: 0, refused: 0, errors: 0 };
  readonly #options: MigrationOptions;
  readonly #dimensions: Record<keyof Kinds, number>;

  constructor(options: MigrationOptions, dimensions: Record<keyof Kinds, number>) {
    this.#options = options;
    this.#dimensions = dimensions;
  }

  /** Puts old vectors where `vectors` has none, in one read, and stores them under the new keys. Never rejects. */
  async fill<Kind extends keyof Kinds, Key extends string>(
    kind: Kind,
    inputs: readonly Kinds[Kind][],
    keys: readonly Key[],
    vectors: (Float32Array | undefined)[],
    embeddings: Embeddings<Key>,
  ): Promise<void> {
    const keyOf = this.#options[`${kind}Key`] as ((input: Kinds[Kind]) => string) | undefined;
    const missing = keyOf ? inputs.flatMap((_, i) => (vectors[i] === undefined ? [i] : [])) : [];
    if (keyOf === undefined || missing.length === 0) return;
    this.stats.asked += missing.length;
    try {
      const values = await this.#options.from.getMany(missing.map((i) => keyOf(inputs[i] as Kinds[Kind])));
      const migrated: [Key, Float32Array][] = [];
      missing.forEach((i, at) => {
        const value = values[at];
        if (value === undefined) return;
        const vector = legacyVector(value, this.#dimensions[kind]);
        if (vector === undefined) {
          this.stats.refused += 1;
          return;
        }
        vectors[i] = vector;
        migrated.push([keys[i] as Key, vector]);
      });
      if (migrated.length > 0) await embeddings.setMany(migrated);
      this.stats.migrated += migrated.length;
    } catch {
      this.stats.errors += 1;
    }
  }
}
