/** Slots that a key may be in: the one that was used longest ago gives way. */
const WAYS = 8;

/** Characters at the end of a key that it is known by: 48 bits of its digest. */
const ID_LENGTH = 8;

/**
 * How often keys were accessed of late, for a bounded number of keys and in 28 bytes each: a
 * set-associative table of numbers, because to hold the keys themselves would keep whole batches of
 * them alive. Two keys that end alike (1 in 2^48) are taken for one. Counts halve with every
 * half-life.
 */
export class AccessTable {
  readonly #sets: number;
  readonly #halfLife: number;
  readonly #ids: Float64Array;
  readonly #counts: Float32Array;
  readonly #seenAt: Float64Array;
  /** For whoever uses the table: a time for each slot, 0 where nothing was noted. */
  readonly notes: Float64Array;

  /** @param halfLife in the unit of `now` */
  constructor(keys: number, halfLife: number) {
    this.#sets = Math.ceil(keys / WAYS);
    this.#halfLife = halfLife;
    const slots = this.#sets * WAYS;
    this.#ids = new Float64Array(slots).fill(-1);
    this.#counts = new Float32Array(slots);
    this.#seenAt = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY);
    this.notes = new Float64Array(slots);
  }

  /** The slot of a key; its own from now on, if it had none. */
  slotOf(key: string, now: number): number {
    const id = idOf(key);
    const first = (id % this.#sets) * WAYS;
    let oldest = first;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.#ids[slot] === id) return slot;
      if ((this.#seenAt[slot] as number) < (this.#seenAt[oldest] as number)) oldest = slot;
    }
    this.#ids[oldest] = id;
    this.#counts[oldest] = 0;
    this.#seenAt[oldest] = now;
    this.notes[oldest] = 0;
    return oldest;
  }

  /** Counts an access. */
  count(slot: number, now: number): void {
    this.#counts[slot] = this.countOf(slot, now) + 1;
    this.#seenAt[slot] = now;
  }

  countOf(slot: number, now: number): number {
    const age = now - (this.#seenAt[slot] as number);
    return (this.#counts[slot] as number) * 2 ** (-age / this.#halfLife);
  }
}

/** The last characters of a key as a number: those of a digest in base64url, six bits each. */
function idOf(key: string): number {
  let id = 0;
  for (let i = key.length - ID_LENGTH; i < key.length; i++)
    id = id * 64 + (SIX_BITS[key.charCodeAt(i) & 127] as number);
  return id;
}

const SIX_BITS = new Uint8Array(128);
for (let i = 0; i < 64; i++) {
  SIX_BITS['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.charCodeAt(i)] = i;
}
