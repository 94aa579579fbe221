import type { LentMemory } from '../../codec/lent-memory.js';
import type { LendingCodec } from '../../codec/vectors.js';
import { RecordSpans, recordSpansFrom } from '../../record-spans.js';
import { clearImmediate, setImmediate } from '../../runtime.js';

/**
 * What is decoded before the rest has come, in bytes of vectors at a time: the thread must not be
 * held for long.
 */
const MAX_BYTES = 1024 * 1024;

interface Part {
  first: number;
  records: RecordSpans;
}

/**
 * Decodes what of an answer comes before the rest, when there is nothing else to do: what comes in
 * one go is decoded in one go, since each call of the engine has its price.
 */
export class EarlyDecoding {
  /** By place; undefined where nothing was decoded, or nothing sound. */
  readonly vectors: (Float32Array | undefined)[] = [];
  readonly #codec: LendingCodec;
  readonly #keys: readonly string[];
  readonly #most: number;
  readonly #memory: LentMemory | undefined;
  #parts: Part[] = [];
  #count = 0;
  #scheduled: NodeJS.Immediate | undefined;

  /** @param keys may grow, up to `most` */
  constructor(codec: LendingCodec, keys: readonly string[], most: number, memory: LentMemory | undefined) {
    this.#codec = codec;
    this.#keys = keys;
    this.#most = most;
    this.#memory = memory;
  }

  /** Whether nothing was decoded. */
  get isEmpty(): boolean {
    return this.vectors.length === 0;
  }

  /**
   * Takes the records of the keys from `first` on. What is no such part of the answer is passed
   * over.
   */
  add(first: number, part: RecordSpans): void {
    const records = recordSpansFrom(part);
    if (records === undefined) return;
    const most = Math.floor(MAX_BYTES / (4 * this.#codec.dimensions));
    const isWithin = Number.isInteger(first) && first >= 0 && first + records.length <= this.#keys.length;
    if (!isWithin || records.length > most) return;
    if (this.#count + records.length > most) this.#decode();
    this.#parts.push({ first, records });
    this.#count += records.length;
    this.#scheduled ??= setImmediate(() => this.#decode());
  }

  /** Leaves what is not decoded yet to whoever has the whole answer. */
  end(): void {
    clearImmediate(this.#scheduled);
    this.#parts = [];
  }

  #decode(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const parts = this.#parts;
    this.#parts = [];
    this.#count = 0;
    const keys = parts.map(({ first, records }) => this.#keys.slice(first, first + records.length));
    const vectors = this.#codec.decodeMany(
      ([] as string[]).concat(...keys),
      RecordSpans.join(parts.map(({ records }) => records)),
      undefined,
      this.#memory,
    );
    if (this.isEmpty) for (let k = 0; k < this.#most; k++) this.vectors.push(undefined);
    let next = 0;
    for (const { first, records } of parts) {
      for (let i = 0; i < records.length; i++) this.vectors[first + i] = vectors[next++];
    }
  }
}
