import type { VectorCodec } from '../codec/vectors.js';

/** What is decoded before the rest has come, in bytes of vectors at a time: the thread must not be held for long. */
const MOST_BYTES = 1024 * 1024;

/**
 * Decodes what of an answer comes before the rest, when there is nothing else to do: what comes in one go is decoded in one go, since each
 * call of the engine has its price.
 */
export class EarlyDecoding {
  /** By place; undefined where nothing was decoded, or nothing sound. */
  readonly vectors: (Float32Array | undefined)[] = [];
  readonly #codec: VectorCodec;
  readonly #keys: readonly string[];
  #places: number[] = [];
  #records: (Uint8Array | undefined)[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(codec: VectorCodec, keys: readonly string[]) {
    this.#codec = codec;
    this.#keys = keys;
  }

  /** Takes the records of the keys from `first` on. What is no such part of the answer is passed over. */
  add(first: number, records: readonly (Uint8Array | undefined)[]): void {
    const most = Math.floor(MOST_BYTES / (4 * this.#codec.dimensions));
    const isWithin = Number.isInteger(first) && first >= 0 && first + records.length <= this.#keys.length;
    if (!isWithin || records.length > most) return;
    if (!records.every((record) => record === undefined || record instanceof Uint8Array)) return;
    if (this.#places.length + records.length > most) this.#decode();
    for (let i = 0; i < records.length; i++) {
      this.#places.push(first + i);
      this.#records.push(records[i]);
    }
    this.#turn ??= setImmediate(() => this.#decode());
  }

  /** Leaves what is not decoded yet to whoever has the whole answer. */
  end(): void {
    clearImmediate(this.#turn);
    this.#records = [];
  }

  #decode(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const places = this.#places;
    const records = this.#records;
    this.#places = [];
    this.#records = [];
    const vectors = this.#codec.decodeMany(
      places.map((place) => this.#keys[place] as string),
      records,
    );
    for (let i = 0; i < places.length; i++) this.vectors[places[i] as number] = vectors[i];
  }
}
