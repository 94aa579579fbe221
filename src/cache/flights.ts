/** Work under way for some keys, which other callers join instead of starting it again. */
export interface Flight<Result> {
  /** Waits for the result until `signal` is aborted. The work itself is aborted when nobody waits any more. */
  wait(signal: AbortSignal | undefined): Promise<Result>;
}

/** What a flight hands to its work. */
export interface Takeoff<Result> {
  signal: AbortSignal;
  /** Says what comes of it. */
  settle: (result: Result) => void;
  /** Names what tells whether a key was not removed meanwhile: nobody joins for one that was. */
  guard: (isCurrent: (key: string) => boolean) => void;
}

/** A lookup under way. What lands while it runs is kept for it. */
export interface Lookup {
  landed: Landed[];
}

interface Landed {
  forget: () => void;
  heldBy: number;
}

/**
 * The flights of one namespace.
 *
 * A lookup that began before a flight landed may have missed what the flight then stored, and would start the same work again. So
 * a flight stays findable until every lookup that was under way when it landed has ended: with that, no key is ever worked on
 * twice at once, and lookups that hit pay nothing for it.
 */
export class Flights<Result> {
  readonly #flights = new Map<string, { flight: Flight<Result>; isCurrent: (key: string) => boolean }>();
  readonly #lookups = new Set<Lookup>();

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

  find(key: string): Flight<Result> | undefined {
    const known = this.#flights.get(key);
    return known?.isCurrent(key) ? known.flight : undefined;
  }

  /**
   * Starts `work` for `keys`. It settles its result as soon as there is one and resolves when that is stored as well: until then
   * the flight can be found. Where it rejects before it settled, so do the waits.
   */
  launch(keys: readonly string[], work: (takeoff: Takeoff<Result>) => Promise<void>): Flight<Result> {
    const controller = new AbortController();
    let isOver = false;
    let waiting = 0;
    const forget = () => {
      for (const key of keys) if (this.#flights.get(key) === entry) this.#flights.delete(key);
    };
    const entry = { flight: undefined as unknown as Flight<Result>, isCurrent: (_key: string) => true };
    const result = new Promise<Result>((resolve, reject) => {
      const settle = (value: Result) => {
        isOver = true;
        resolve(value);
      };
      const guard = (isCurrent: (key: string) => boolean) => {
        entry.isCurrent = isCurrent;
      };
      work({ signal: controller.signal, settle, guard }).then(
        () => this.#land(forget),
        (error) => {
          isOver = true;
          forget();
          reject(error);
        },
      );
    });
    result.catch(() => {}); // nobody may be waiting any more
    const flight: Flight<Result> = {
      async wait(signal) {
        waiting++;
        try {
          return await untilAborted(result, signal);
        } finally {
          if (--waiting === 0 && !isOver) {
            forget(); // before the work ends: nobody may join what is being given up
            controller.abort(signal?.reason);
          }
        }
      },
    };
    entry.flight = flight;
    for (const key of keys) this.#flights.set(key, entry);
    return flight;
  }

  #land(forget: () => void): void {
    if (this.#lookups.size === 0) {
      forget();
      return;
    }
    const landed: Landed = { forget, heldBy: this.#lookups.size };
    for (const lookup of this.#lookups) lookup.landed.push(landed);
  }
}

/** The result, unless `signal` is aborted first: then its reason is thrown. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
  });
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
