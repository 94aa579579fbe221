import { seeded } from '../../vectors.js';

/** What a day of searches is like. */
export interface DayOptions {
  lookups: number;
  /** Texts that are asked for at a time. */
  texts: number;
  /** Texts of rank r are asked for in proportion to r^-skew. */
  skew: number;
  /** The part of the ranks that new texts take each hour. */
  newEachHour: number;
  seed: number;
}

/** One text asked for, by its number. */
export interface Ask {
  /** Milliseconds since midnight. */
  at: number;
  text: number;
}

export const DAY = 86_400_000;
const HOUR = DAY / 24;

/**
 * A day of lookups: popularity by Zipf's law, quiet nights (the busiest hour has nine times the lookups of the quietest), and texts that
 * come up during the day in the place of others.
 */
export function* day({ lookups, texts, skew, newEachHour, seed }: DayOptions): Generator<Ask> {
  const random = seeded(seed);
  const cumulative = new Float64Array(texts);
  let sum = 0;
  for (let rank = 0; rank < texts; rank++) {
    sum += (rank + 1) ** -skew;
    cumulative[rank] = sum;
  }
  const textOfRank = Uint32Array.from({ length: texts }, (_, rank) => rank);
  let known = texts;
  for (let hour = 0; hour < 24; hour++) {
    const share = (1 + 0.8 * Math.sin(((hour - 8) / 24) * 2 * Math.PI)) / 24;
    const count = Math.round(lookups * share);
    for (let i = 0; i < count; i++) {
      const rank = rankOf(cumulative, random() * sum);
      yield { at: (hour + i / count) * HOUR, text: textOfRank[rank] as number };
    }
    for (let i = 0; i < texts * newEachHour; i++) textOfRank[Math.floor(random() * texts)] = known++;
  }
}

/** The first rank whose cumulative weight is above `weight`. */
function rankOf(cumulative: Float64Array, weight: number): number {
  let [low, high] = [0, cumulative.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulative[middle] as number) > weight) high = middle;
    else low = middle + 1;
  }
  return low;
}
