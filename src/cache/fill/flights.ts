import { untilAborted } from '../../async/abort.js';
import { attempt } from '../../async/attempt.js';
import { currentFrame, Frame } from './nesting.js';

/** Work under way for some keys, which other callers join instead of starting it again. */
export interface Flight<Result> {
  /**
   * Waits for the result until `signal` is aborted. The work itself is aborted when nobody waits
   * any more. Rejects with `NestedCallError` where the work waits for the caller.
   */
  wait(signal: AbortSignal | undefined): Promise<Result>;
  /**
   * Takes the next place among those who join, counted from 0: what the store was asked or told for
   * the flight before they joined says nothing of what others had changed by then.
   */
  join(): number;
}

/** What a flight hands to its work. */
export interface FlightControl<Result> {
  /** What runs inside it, where it calls what may ask the cache. */
  frame: Frame;
  signal: AbortSignal;
  /** Says what comes of it. */
  settle: (result: Result) => void;
  /**
   * Names what tells whether a key was not written or removed meanwhile: nobody joins for one that
   * was. Returns what is to be called when that can no longer tell.
   */
  guard: (isCurrent: (key: string) => boolean) => () => void;
  /** How many have joined so far. */
  joined: () => number;
  /**
   * Names what is told of a key that is out of date once somebody asks for it: its lock is in the
   * way.
   */
  onOutdated: (callback: (key: string) => void) => void;
  /**
   * Says that keys are out of date for the flights that began before it: what those bring is not to
   * be stored after it.
   */
  supersede: (keys: readonly string[]) => void;
  /** Whether a later flight has said so of this one. */
  isSuperseded: (key: string) => boolean;
  /**
   * Lets go of keys that have failed, or that others have stored: nobody joins for them any more.
   */
  forget: (keys: readonly string[]) => void;
}

/** A lookup under way. What lands while it runs is kept for it. */
export interface Lookup {
  landed: Landed[];
}

interface Landed {
  forget: () => void;
  heldBy: number;
}

interface Entry<Result> {
  flight: Flight<Result>;
  isCurrent: (key: string) => boolean;
  outdated?: (key: string) => void;
  /**
   * Once it has landed: the lookups that were under way then, for which alone it can still be
   * found.
   */
  lookups?: ReadonlySet<Lookup>;
}

/**
 * What the flights for one key share while any is under way: one of them knows nothing of the
 * others, so that however many overlap, each costs the same, and what has ended is not kept.
 */
interface Shared {
  underWay: number;
  /** The number of the flight before which all are out of date. */
  supersededBy: number;
}

/**
 * The flights of one cache.
 *
 * A lookup that began before a flight landed may have missed what the flight then stored, and would
 * start the same work again. So a flight stays findable for every lookup that was under way when it
 * landed: with that, no key is ever worked on twice at once, and lookups that hit pay nothing for
 * it.
 */
export class Flights<Result> {
  readonly #entries = new Map<string, Entry<Result>>();
  readonly #shared = new Map<string, Shared>();
  readonly #lookups = new Set<Lookup>();
  #launched = 0;

  beginLookup(): Lookup {
    const lookup: Lookup = { landed: [] };
    this.#lookups.add(lookup);
    return lookup;
  }

  /** Must follow in the same turn as the launches for what the lookup missed. */
  endLookup(lookup: Lookup): void {
    this.#lookups.delete(lookup);
    for (const landed of lookup.landed) if (--landed.heldBy === 0) landed.forget();
  }

  find(key: string, lookup: Lookup): Flight<Result> | undefined {
    const known = this.#entries.get(key);
    if (known === undefined) return undefined;
    if (!known.isCurrent(key)) {
      known.outdated?.(key);
      return undefined;
    }
    return known.lookups === undefined || known.lookups.has(lookup) ? known.flight : undefined;
  }

  /**
   * Starts `work` for `keys`. It settles its result as soon as there is one and resolves when that
   * is stored as well: until then the flight can be found. Where it rejects before it settled, so
   * do the waits.
   */
  launch(keys: readonly string[], work: (control: FlightControl<Result>) => Promise<void>): Flight<Result> {
    const controller = new AbortController();
    const frame = new Frame();
    let isOver = false;
    let joined = 0;
    let waiting = 0;
    const forget = (some = keys) => {
      for (const key of some) if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    const entry: Entry<Result> = {
      flight: undefined as unknown as Flight<Result>,
      isCurrent: () => true,
    };
    const number = ++this.#launched;
    this.#share(keys);
    const supersede = (some: readonly string[]) => {
      for (const key of some) {
        const shared = this.#shared.get(key);
        if (shared) shared.supersededBy = Math.max(shared.supersededBy, number);
      }
    };
    const isSuperseded = (key: string) => (this.#shared.get(key)?.supersededBy ?? 0) > number;
    const result = new Promise<Result>((resolve, reject) => {
      const settle = (value: Result) => {
        isOver = true;
        resolve(value);
      };
      const guard = (isCurrent: (key: string) => boolean) => {
        entry.isCurrent = isCurrent;
        return () => this.#freeze(entry, keys);
      };
      const onOutdated = (callback: (key: string) => void) => {
        entry.outdated = callback;
      };
      const { signal } = controller;
      attempt(() =>
        work({ frame, signal, settle, guard, onOutdated, joined: () => joined, supersede, isSuperseded, forget }),
      ).then(
        () => {
          this.#unshare(keys);
          this.#land(entry, forget);
        },
        (error) => {
          isOver = true;
          this.#unshare(keys);
          forget();
          reject(error);
        },
      );
    });
    result.catch(() => {}); // nobody may be waiting any more
    const wait = async (signal: AbortSignal | undefined) => {
      waiting++;
      try {
        return await untilAborted(result, signal);
      } finally {
        if (--waiting === 0 && !isOver) {
          forget(); // before the work ends: nobody may join what is being given up
          controller.abort(signal?.reason);
        }
      }
    };
    entry.flight = {
      join: () => joined++,
      wait: async (signal) => currentFrame()?.waitFor(frame, () => wait(signal)) ?? wait(signal),
    };
    for (const key of keys) this.#entries.set(key, entry);
    return entry.flight;
  }

  #share(keys: readonly string[]): void {
    for (const key of keys) {
      const shared = this.#shared.get(key);
      if (shared) shared.underWay += 1;
      else this.#shared.set(key, { underWay: 1, supersededBy: 0 });
    }
  }

  #unshare(keys: readonly string[]): void {
    for (const key of keys) {
      const shared = this.#shared.get(key);
      if (shared && --shared.underWay === 0) this.#shared.delete(key);
    }
  }

  /**
   * Lets go of the keys that are out of date; the others are current from here on, for who asked
   * before.
   */
  #freeze(entry: Entry<Result>, keys: readonly string[]): void {
    for (const key of keys) {
      if (this.#entries.get(key) === entry && !entry.isCurrent(key)) this.#entries.delete(key);
    }
    entry.isCurrent = () => true;
  }

  #land(entry: Entry<Result>, forget: () => void): void {
    if (this.#lookups.size === 0) {
      forget();
      return;
    }
    entry.lookups = new Set(this.#lookups);
    const landed: Landed = { forget, heldBy: this.#lookups.size };
    for (const lookup of this.#lookups) lookup.landed.push(landed);
  }
}
