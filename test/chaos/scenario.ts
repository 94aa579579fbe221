import type { Random } from '../support/chaos-random.js';

/** What a variant counted and measured, by name. Times are in milliseconds, sizes in MiB. */
export type Figures = Record<string, number>;

/** What a figure has to be. */
export interface Goal {
  figure: string;
  atMost?: number;
  atLeast?: number;
  /** A time, a ratio of times, or what depends on a read timeout: a goal of the long form alone, on a machine that does nothing else. */
  isTime?: boolean;
}

/** How a variant is played. */
export interface Play {
  /** The same for the same seed, scenario and variant. */
  random: Random;
  /** The size of the table; otherwise seconds. */
  isLong: boolean;
  /** `long` in the long form, `quick` in the quick one. */
  pick<T>(long: T, quick: T): T;
}

/** One row of a scenario's table, such as a backend or a kind of fault. */
export interface Variant {
  name: string;
  goals: readonly Goal[];
  /** Not in the quick form, because it takes too long. */
  isLongOnly?: boolean;
  play(play: Play): Promise<Figures>;
}

/** A kind of fault, and what the cache is held to while it lasts and after it. */
export interface Scenario {
  name: string;
  /** One line for the table of docs/reliability.md. */
  about: string;
  /** Played on the native and on the portable engine; otherwise on whichever serves. */
  onBothEngines?: boolean;
  variants: readonly Variant[];
}

/** What a variant came to. */
export interface Result {
  variant: string;
  seconds: number;
  figures: Figures;
  /** Goals that were missed, as sentences. */
  missed: string[];
  /** Goals that the quick form does not hold it to. */
  unjudged: string[];
}

/** Which goals the figures miss. A figure that is absent or not a number misses its goal. */
export function judge(goals: readonly Goal[], figures: Figures): string[] {
  return goals.flatMap(({ figure, atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY }) => {
    const value = figures[figure];
    if (value !== undefined && value <= atMost && value >= atLeast) return [];
    const bound = atMost === Number.POSITIVE_INFINITY ? `at least ${atLeast}` : `at most ${atMost}`;
    return [`${figure} is ${value ?? 'unknown'}, and should be ${bound}`];
  });
}

/** Goals that most variants have. */
export const NONE_WRONG: Goal = { figure: 'wrong', atMost: 0 };
export const NONE_REJECTED: Goal = { figure: 'rejected', atMost: 0 };
