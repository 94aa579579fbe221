import { AdaptiveTtl, checkAdaptiveTtl } from '../../../src/policies/adaptive-ttl.js';
import type { FigureTable } from '../../tables.js';
import { type Ask, DAY } from './day.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Gives lives to what is written and what is hit. */
interface Policy {
  name: string;
  /** The life of what is written. */
  written(key: string, now: number): number;
  /** After a hit: a life to be lengthened to. */
  hit(key: string, now: number): number | undefined;
  miss(key: string, now: number): void;
}

const fixed = (name: string, ttl: number): Policy => ({
  name: `fixed, ${name}`,
  written: () => ttl,
  hit: () => undefined,
  miss: () => {},
});

const adaptive = (name: string, options: Parameters<typeof checkAdaptiveTtl>[0]): Policy => {
  const lives = new AdaptiveTtl(checkAdaptiveTtl(options));
  return {
    name,
    written: (key, now) => lives.written(key, now),
    hit: (key, now) => lives.hit(key, now),
    miss: (key, now) => lives.miss(key, now),
  };
};

/** Simulates the day in a store that has lives alone, and in one that has room for `room` entries and lets go of those used longest ago. */
export function simulateLives(asks: () => Iterable<Ask>, room: number): FigureTable {
  const policies = (): Policy[] => [
    fixed('15 min', 15 * MINUTE),
    fixed('1 h', HOUR),
    fixed('6 h', 6 * HOUR),
    fixed('1 day', DAY),
    adaptive('15 min from the last access', { steps: [[1, 15 * MINUTE]] }),
    adaptive('adaptive: 15 min, 1 h, 6 h', {}),
  ];
  const rows = policies().map((policy, i) => {
    const free = simulate(asks(), policy, Number.POSITIVE_INFINITY);
    const bounded = simulate(asks(), policies()[i] as Policy, room);
    return {
      policy: policy.name,
      rate: free.hitRate,
      held: free.held,
      perHeld: (free.hitRate / free.held) * 1000,
      touches: free.touches,
      bounded: bounded.hitRate,
    };
  });
  return {
    id: 'lives',
    title: `lives, simulated over the same day; the last column in a store with room for ${room} entries`,
    columns: [
      { key: 'policy', head: 'life of an entry' },
      { key: 'rate', head: 'hit rate %', digits: 1 },
      { key: 'held', head: 'entries held, mean', digits: 0 },
      { key: 'perHeld', head: 'hit rate % per 1000 held', digits: 2 },
      { key: 'touches', head: 'lives lengthened', digits: 0 },
      { key: 'bounded', head: 'hit rate %, bounded', digits: 1 },
    ],
    rows,
  };
}

function simulate(asks: Iterable<Ask>, policy: Policy, room: number) {
  /** The end of each entry's life, in the order of use. */
  const ends = new Map<number, number>();
  let [hits, lookups, touches, heldFor] = [0, 0, 0, 0];
  const until = (end: number) => Math.min(end, DAY);
  for (const { at, text } of asks) {
    const key = text.toString(36).padStart(8, '_');
    const end = ends.get(text) ?? 0;
    lookups += 1;
    ends.delete(text);
    if (end > at) {
      hits += 1;
      const life = policy.hit(key, at);
      // A life is never made shorter.
      const longer = life === undefined ? end : Math.max(end, at + life);
      touches += Number(longer > end);
      heldFor += until(longer) - until(end);
      ends.set(text, longer);
      continue;
    }
    policy.miss(key, at);
    const life = policy.written(key, at);
    heldFor += until(at + life) - at;
    ends.set(text, at + life);
    if (ends.size <= room) continue;
    const [oldest, gone] = ends.entries().next().value as [number, number];
    ends.delete(oldest);
    heldFor -= Math.max(0, until(gone) - at);
  }
  return { hitRate: (100 * hits) / lookups, held: heldFor / DAY, touches };
}
