import type { Suite } from '../suite.js';
import { type DayOptions, day } from './trace/day.js';
import { simulateLives } from './trace/lives.js';
import { replayTiers } from './trace/tiers.js';

const SEED = 20261123;

/** A skewed day: what the tiers hold of it, and what adaptive lives gain. */
export const trace: Suite = async ({ short }) => {
  const options: DayOptions = {
    lookups: short ? 300_000 : 1_200_000,
    texts: 50_000,
    skew: 1,
    newEachHour: 0.02,
    seed: SEED,
  };
  const tiers = await replayTiers(day(options), { durationMs: short ? 15_000 : 60_000, seed: SEED });
  const lives = simulateLives(() => day(options), 5000);
  const [near, far] = tiers.rows.map(({ rate }) => Number(rate) / 100) as [number, number];
  return {
    suite: 'trace',
    about: `${options.lookups} lookups of ${options.texts} texts at a time, popularity by Zipf's law (exponent ${options.skew}), 2 % of the texts new each hour`,
    measurements: [],
    ratios: { 'L1 hit rate to the 70 % wanted': near / 0.7, 'L2 hit rate to the 20 % wanted': far / 0.2 },
    tables: [tiers, lives],
  };
};
