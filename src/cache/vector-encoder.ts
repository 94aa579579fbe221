import { createVectorCodec, type Precision, type VectorCodec } from '../codec/vectors.js';
import type { InputTokens } from './fill/usage.js';
import type { NamespaceCodec } from './namespace-codec.js';

/** Below half of its least positive number a float16 is zero. */
const FLOAT16_ZERO = 2 ** -25;

/** Encodes a namespace's vectors, in time slices where there are many. */
export class VectorEncoder {
  readonly #codec: NamespaceCodec;
  /** The largest number that the precision may make zero of. */
  readonly #vanishes: number;
  /** For vectors that would be nothing but zeros. */
  #exact: VectorCodec | undefined;

  constructor(codec: NamespaceCodec, precision: Precision | undefined) {
    this.#codec = codec;
    this.#vanishes = typeof precision === 'object' ? precision.maxError : precision === 'float16' ? FLOAT16_ZERO : 0;
  }

  /**
   * A record for each vector of the namespace's dimensions. A vector of which the precision would
   * leave nothing but zeros is stored exactly.
   *
   * @param tokens what the model took for each, where that is known
   */
  async encode(keys: readonly string[], vectors: readonly Float32Array[], tokens?: InputTokens): Promise<Uint8Array[]> {
    const codec = this.#codec.known as VectorCodec;
    const isLong = codec.encodesInSlices(keys.length);
    const records = isLong
      ? await codec.encodeManyLater(keys, vectors, tokens)
      : codec.encodeMany(keys, vectors, tokens);
    if (this.#vanishes === 0) return records;
    const vanishing = [...vectors.keys()].filter((i) => vectors[i]?.every((x) => Math.abs(x) <= this.#vanishes));
    if (vanishing.length === 0) return records;
    this.#exact ??= createVectorCodec({ dimensions: codec.dimensions });
    const exact = this.#exact.encodeMany(
      vanishing.map((i) => keys[i] as string),
      vanishing.map((i) => vectors[i] as Float32Array),
      tokens && vanishing.map((i) => tokens[i]),
    );
    vanishing.forEach((i, n) => {
      records[i] = exact[n] as Uint8Array;
    });
    return records;
  }
}
