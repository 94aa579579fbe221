import * as v from 'valibot';
import { checkOptions, switchable, ttlSchema } from '../options.js';
import type { Ttl } from '../ttl.js';
import { AccessTable } from './access-table.js';

/** Lives that grow with how often an entry is asked for. */
export interface AdaptiveTtlOptions {
  /**
   * The TTLs of entries by their accesses, both rising. Between two of them TTLs are interpolated,
   * both on logarithmic scales; below the first and above the last they are those. @default [[1,
   * '15m'], [10, '1h'], [100, '6h']]
   */
  steps?: readonly (readonly [accesses: number, ttl: Ttl])[] | undefined;
  /**
   * The keys whose accesses are remembered, at 28 bytes each: those asked for last. @default 100000
   */
  keys?: number | undefined;
}

/**
 * What a key's TTL must be longer by to be extended, as a part of it: a key that is asked for all
 * the time is not written all the time.
 */
const MIN_GAIN = 1 / 8;

const step = v.tuple([
  v.pipe(v.number('accesses'), v.minValue(1, 'at least 1 access'), v.finite('accesses')),
  ttlSchema,
]);
const defaults = [
  [1, '15m'],
  [10, '1h'],
  [100, '6h'],
] as [number, Ttl][];

const optionsSchema = v.strictObject({
  steps: v.optional(
    v.pipe(
      v.array(step),
      v.minLength(1, 'at least one step'),
      v.check((steps) => isRising(steps), 'steps whose accesses and TTLs rise'),
    ),
    defaults,
  ),
  keys: v.optional(v.pipe(v.number(), v.integer('a whole number'), v.minValue(1), v.maxValue(100_000_000)), 100_000),
});

/** `true` is all defaults, `false` is none; the checked option holds milliseconds. */
export const adaptiveTtlSchema = switchable(optionsSchema);

export type CheckedAdaptiveTtl = v.InferOutput<typeof optionsSchema>;

/** Throws `InvalidOptionError`. */
export function checkAdaptiveTtl(options: AdaptiveTtlOptions): CheckedAdaptiveTtl {
  return checkOptions(optionsSchema, options, 'adaptiveTtl');
}

/**
 * How long each key is to live, by how often it was accessed of late: accesses count half after the
 * longest TTL. Times are in milliseconds of any one clock.
 */
export class AdaptiveTtl {
  readonly #steps: CheckedAdaptiveTtl['steps'];
  readonly #table: AccessTable;

  constructor({ steps, keys }: CheckedAdaptiveTtl) {
    this.#steps = steps;
    this.#table = new AccessTable(keys, (steps.at(-1) as [number, number])[1]);
  }

  /**
   * Notes that a key was asked for and found. Returns its TTL from now where that is to be
   * extended.
   */
  hit(key: string, now: number): number | undefined {
    const slot = this.#table.slotOf(key, now);
    this.#table.count(slot, now);
    const ttl = this.#ttlOf(slot, now);
    if (now + ttl < (this.#table.notes[slot] as number) + MIN_GAIN * ttl) return undefined;
    this.#table.notes[slot] = now + ttl;
    return ttl;
  }

  /** Notes that a key was asked for in vain. */
  miss(key: string, now: number): void {
    this.#table.count(this.#table.slotOf(key, now), now);
  }

  /** The TTL of what is written now under a key. */
  written(key: string, now: number): number {
    const slot = this.#table.slotOf(key, now);
    const ttl = this.#ttlOf(slot, now);
    this.#table.notes[slot] = now + ttl;
    return ttl;
  }

  /** After a TTL could not be extended: the next hit tries again. */
  forget(key: string, now: number): void {
    this.#table.notes[this.#table.slotOf(key, now)] = 0;
  }

  #ttlOf(slot: number, now: number): number {
    const accesses = this.#table.countOf(slot, now);
    const above = this.#steps.findIndex(([most]) => accesses <= most);
    if (above === -1) return (this.#steps.at(-1) as [number, number])[1];
    const [most, longer] = this.#steps[above] as [number, number];
    if (above === 0) return longer;
    const [least, shorter] = this.#steps[above - 1] as [number, number];
    return shorter * (longer / shorter) ** (Math.log(accesses / least) / Math.log(most / least));
  }
}

function isRising(steps: readonly (readonly [number, number])[]): boolean {
  return steps.every(([accesses, ttl], i) => {
    const [fewer, shorter] = steps[i - 1] ?? [0, 0];
    return accesses > fewer && ttl > shorter;
  });
}
