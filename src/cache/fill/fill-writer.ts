import type { BackendFill } from '../../backends/backend.js';
import type { HeldLocks } from '../locks/held-locks.js';
import type { Namespace } from '../namespace.js';
import type { VectorEncoder } from '../vector-encoder.js';
import type { InputTokens } from './usage.js';

/** Vectors that the model made. Nobody changes them. */
export interface FilledBatch {
  keys: readonly string[];
  vectors: readonly Float32Array[];
  /** Undefined where the model did not say what they took. */
  tokens: InputTokens | undefined;
  ttlMs: number | undefined;
  fill: BackendFill;
  locks: HeldLocks | undefined;
  /** Other processes hold their locks: whoever does stores his own. */
  areOthers: boolean;
}

/** Stores what the model made, where it is still current and may be stored. */
export class FillWriter {
  readonly #namespace: Namespace<never>;
  readonly #encoder: VectorEncoder;

  constructor(namespace: Namespace<never>, encoder: VectorEncoder) {
    this.#namespace = namespace;
    this.#encoder = encoder;
  }

  /**
   * Stores of the vectors what is still current. Never rejects; resolves when they are stored or
   * given up, to whether nothing failed.
   */
  async write({ keys, vectors, tokens, ttlMs, fill, locks, areOthers }: FilledBatch): Promise<boolean> {
    const { recorder, store } = this.#namespace;
    const { writes } = store;
    recorder.stats.fills += keys.length;
    let places: number[] = [];
    try {
      places = [...keys.keys()].filter((place) => fill.isCurrent(keys[place] as string));
      if (places.length === 0 || areOthers) return true;
      // Without a lock nobody knows what changed meanwhile.
      const isFree = !store.locks?.isUsable;
      const locked = isFree ? places : places.filter((place) => locks?.has(keys[place] as string));
      const mayStore = locked.length > 0 && !writes.isPaused;
      const skipped = mayStore ? places.length - locked.length : places.length;
      if (skipped > 0) writes.skipped(skipped, recorder);
      if (!mayStore && fill.keepInL1 === undefined) return false;
      if (mayStore) places = locked;
      const current = places.map((place) => keys[place] as string);
      const records = await this.#encoder.encode(
        current,
        places.map((place) => vectors[place] as Float32Array),
        tokens && places.map((place) => tokens[place]),
      );
      const entries = this.#namespace.entriesOf(current, records, ttlMs);
      if (mayStore) return await writes.planFill(current, recorder, fill, locks).store(entries);
      await writes.keepInL1(entries, recorder, fill);
    } catch (error) {
      writes.notStored(places.length, error, recorder);
    }
    return false;
  }
}
