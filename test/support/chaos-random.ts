import { createHash } from 'node:crypto';

/** Numbers that a seed makes, so that what was drawn can be drawn again. */
export interface Random {
  /** At least 0 and less than 1. */
  next(): number;
  /** A whole number of `low` to `high`, both included. */
  whole(low: number, high: number): number;
  /** One of the items. */
  of<T>(items: readonly T[]): T;
}

/** The generator of a seed and a name (mulberry32): what one variant draws does not depend on which others are played. */
export function randomOf(seed: number, name: string): Random {
  let state = createHash('sha256').update(`${seed}:${name}`).digest().readUInt32LE(0);
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
  return {
    next,
    whole: (low, high) => low + Math.floor(next() * (high - low + 1)),
    of: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
  };
}
