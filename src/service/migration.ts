import { notAwaited } from '../async/attempt.js';
import type { CacheBackend } from '../backends/backend.js';
import { legacyVector } from './legacy.js';

/** Where an older cache's vectors are. */
export interface MigrationOptions {
  /** What the older cache stored in. It is only read. */
  from: CacheBackend;
  /** The older cache's key of a text. Without it texts are not looked for. */
  textKey?: ((text: string) => string) | undefined;
  /** The older cache's key of an image. */
  imageKey?: ((image: Uint8Array) => string) | undefined;
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
  /** What to install, where values could not be read for want of it. */
  missing?: string;
}

/** Fills what the cache misses of one kind of input with what an older one has. */
export class Migration<Input> {
  readonly #from: CacheBackend;
  readonly #keyOf: (input: Input) => string;
  readonly #dimensions: number;
  readonly #stats: MigrationStats;
  readonly #onMissing: (message: string) => void;

  /**
   * @param stats is counted up; kinds may share one
   * @param onMissing is told what to install, where a value could not be read for want of it
   */
  constructor(
    from: CacheBackend,
    keyOf: (input: Input) => string,
    dimensions: number,
    stats: MigrationStats,
    onMissing: (message: string) => void,
  ) {
    this.#from = from;
    this.#keyOf = keyOf;
    this.#dimensions = dimensions;
    this.#stats = stats;
    this.#onMissing = onMissing;
  }

  /**
   * Puts old vectors where `vectors` has none, in one read, and returns them, to be stored anew.
   * Never rejects.
   */
  async fill(inputs: readonly Input[], vectors: (Float32Array | undefined)[]): Promise<[Input, Float32Array][]> {
    const missing = inputs.flatMap((_, i) => (vectors[i] === undefined ? [i] : []));
    if (missing.length === 0) return [];
    this.#stats.asked += missing.length;
    const migrated: [Input, Float32Array][] = [];
    try {
      const values = await this.#from.getMany(missing.map((i) => notAwaited(this.#keyOf(inputs[i] as Input))));
      missing.forEach((i, at) => {
        const value = values[at];
        if (value === undefined) return;
        const vector = legacyVector(value, this.#dimensions, this.#onMissing);
        if (vector === undefined) {
          this.#stats.refused += 1;
          return;
        }
        vectors[i] = vector;
        migrated.push([inputs[i] as Input, vector]);
      });
      this.#stats.migrated += migrated.length;
    } catch {
      this.#stats.errors += 1;
    }
    return migrated;
  }
}
