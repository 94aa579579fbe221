import type { Chance } from '../support/sim-chance.js';
import type { Weather } from '../support/sim-store.js';
import type { Manners } from './embedder.js';

/** What kind of world a history is played in. */
export interface Kind {
  readonly name: string;
  /** How often it is played, beside the others. */
  readonly weight: number;
  /** How many processes share the store at most. */
  readonly processes: number;
  /** Whether the store has locks and leases. */
  readonly fenced: boolean;
  readonly faulty: boolean;
  readonly frozen: boolean;
  /** Vectors so large that few of them are encoded in more than one turn. */
  readonly large?: boolean;
}

const ALONE = { processes: 1, fenced: false, frozen: false };
const SHARED = { processes: 3, fenced: true };

export const KINDS: readonly Kind[] = [
  { name: 'a store that works', weight: 30, ...SHARED, faulty: false, frozen: false },
  { name: 'a store that fails', weight: 25, ...SHARED, faulty: true, frozen: false },
  { name: 'processes that are paused', weight: 15, ...SHARED, faulty: false, frozen: true },
  { name: 'a store that fails and processes that are paused', weight: 10, ...SHARED, faulty: true, frozen: true },
  { name: 'one process and a store without locks', weight: 12, ...ALONE, faulty: false },
  { name: 'one process and a store without locks that fails', weight: 8, ...ALONE, faulty: true },
  {
    name: 'vectors so large that they are encoded in turns',
    weight: 0.1,
    ...SHARED,
    faulty: false,
    frozen: false,
    large: true,
  },
];

export function kindOf(chance: Chance): Kind {
  return chance.weighed(KINDS.map((kind) => [kind.weight, kind] as const));
}

/** @param end when the last thing is asked, in milliseconds */
export function weatherOf({ faulty, fenced }: Kind, chance: Chance, start: number, end: number): Weather {
  const outage = (): [number, number] => {
    const from = start + chance.next() * (end - start);
    return [from, from + chance.pick([100, 1_000, 10_000])];
  };
  return {
    delay: chance.pick([1, 10, 30]),
    faults: faulty ? chance.pick([0, 0.05, 0.2, 0.5]) : 0,
    lateCalls: fenced,
    inOrder: chance.is(0.3),
    tellsProgress: chance.is(0.3),
    heedsSignals: chance.is(0.5),
    outages: faulty && chance.is(0.4) ? [outage()] : [],
  };
}

export function mannersOf(chance: Chance): Manners {
  return {
    fails: chance.pick([0, 0, 0.1, 0.3]),
    holes: chance.pick([0, 0, 0.2]),
    mutatesInputs: chance.is(0.3),
    reusesBuffer: chance.is(0.3),
    heedsSignal: chance.is(0.5),
    nests: chance.pick([0, 0, 0, 0.3]),
    slowest: chance.pick([100, 500, 3_000]),
  };
}
