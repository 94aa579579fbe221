import { dimensionsOf } from '../codec/record-header.js';
import { createLendingCodec, type LendingCodec, type VectorCodecOptions } from '../codec/vectors.js';
import type { RecordSpans } from '../record-spans.js';

/** What the codec of a namespace is made with. */
export type NamespaceCodecOptions = Omit<VectorCodecOptions, 'dimensions' | 'engine'> & {
  /** Undefined where they are to be learned. */
  dimensions: number | undefined;
};

/**
 * The codec of a namespace. Where its dimensions are not given, they are those of the first vector
 * or sound record that comes by.
 */
export class NamespaceCodec {
  /** Whether the dimensions are learned: they are no part of the keys then. */
  readonly isLearning: boolean;
  readonly #options: NamespaceCodecOptions;
  #known: LendingCodec | undefined;

  /** Throws `InvalidOptionError` as `createVectorCodec` does. */
  constructor(options: NamespaceCodecOptions) {
    this.#options = options;
    this.isLearning = options.dimensions === undefined;
    if (options.dimensions !== undefined) this.#known = this.#codecOf(options.dimensions);
  }

  /** Undefined while they are not known. */
  get dimensions(): number | undefined {
    return this.#known?.dimensions;
  }

  /** The codec, where the dimensions are known. */
  get known(): LendingCodec | undefined {
    return this.#known;
  }

  /** The codec for vectors of these dimensions; undefined where they are of others. */
  for(dimensions: number): LendingCodec | undefined {
    this.#known ??= this.#codecOf(dimensions);
    return this.#known.dimensions === dimensions ? this.#known : undefined;
  }

  /**
   * The codec to read these records with. What it refuses is refused for a reason, also where none
   * of them is sound and nothing is learned.
   */
  forRecords(keys: readonly string[], records: RecordSpans): LendingCodec {
    if (this.#known !== undefined) return this.#known;
    let candidate: LendingCodec | undefined;
    for (let i = 0; i < keys.length; i++) {
      const dimensions = records.read(i, dimensionsOf);
      if (dimensions === undefined) continue;
      if (candidate?.dimensions !== dimensions) candidate = this.#codecOf(dimensions);
      const [vector] = candidate.decodeMany([keys[i] as string], [records.at(i)]);
      if (vector === undefined) continue;
      this.#known = candidate;
      return candidate;
    }
    return candidate ?? this.#codecOf(1);
  }

  #codecOf(dimensions: number): LendingCodec {
    return createLendingCodec({ ...this.#options, dimensions });
  }
}
