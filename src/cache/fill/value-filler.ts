import { TimeBudget } from '../../async/deadline.js';
import type { Observation } from '../../backends/write-tracker.js';
import type { ValueCodec } from '../../values/codec.js';
import type { HeldLocks } from '../locks/held-locks.js';
import type { FoundValue, ValueLookup } from '../lookup/value-lookup.js';
import type { Namespace } from '../namespace.js';
import type { CacheFill } from '../store/store.js';
import type { Flight, FlightControl, Flights } from './flights.js';
import { inside } from './nesting.js';
import { WaitForOthers } from './wait-for-others.js';

/** What a computation gave: the value for who asked first, the record for everybody else. */
export interface Computed<T> extends FoundValue<T> {
  /**
   * How many had joined when it was read, or sent to be stored under its lock: to whoever joined
   * later it is old.
   */
  joined: number;
  /** Resolves, when it is stored where it can be, to whether others wrote or removed it before. */
  isOutdated: Promise<boolean>;
}

/** What one call asks for. */
export interface ComputeRequest<T> {
  key: string;
  compute: () => Promise<T> | T;
  /** The TTL of what was computed, in milliseconds. */
  ttlOf: (value: T) => number | undefined;
}

/**
 * Computes values that lookups missed, each key once at a time, also among processes where the
 * backend has locks.
 */
export class ValueFiller<T> {
  readonly #namespace: Namespace<string>;
  readonly #codec: ValueCodec<T>;
  readonly #lookup: ValueLookup<T>;
  readonly #flights: Flights<Computed<T>>;

  constructor(
    namespace: Namespace<string>,
    codec: ValueCodec<T>,
    lookup: ValueLookup<T>,
    flights: Flights<Computed<T>>,
  ) {
    this.#namespace = namespace;
    this.#codec = codec;
    this.#lookup = lookup;
    this.#flights = flights;
  }

  /** The cached value, or what the flight for its key brings. */
  async getOrCompute(request: ComputeRequest<T>): Promise<T> {
    const { key } = request;
    // What is changed from here on is newer than what this call brings.
    const beginning = this.#namespace.store.begin();
    const lookup = this.#flights.beginLookup();
    let flight: Flight<Computed<T>>;
    let budgetMs: number;
    let place: number | undefined;
    try {
      const { value, left } = await this.#lookup.one(key);
      if (value !== undefined) return value;
      budgetMs = left;
      const known = this.#flights.find(key, lookup);
      place = known?.join();
      flight = known ?? this.#start(request, budgetMs, beginning.share());
    } finally {
      this.#flights.endLookup(lookup);
      beginning.end();
    }
    const { value, record, joined, isOutdated } = await flight.wait(undefined);
    if (place === undefined) return value;
    // Who asked after another process removed it must not get what was computed before.
    const isOld = await new TimeBudget(budgetMs).spend(isOutdated);
    if (isOld || (joined <= place && isOld !== undefined)) return this.getOrCompute(request);
    return this.#codec.decodeOne(key, record);
  }

  #start(request: ComputeRequest<T>, budgetMs: number, beginning: Observation): Flight<Computed<T>> {
    const { store } = this.#namespace;
    return this.#flights.launch([request.key], (control) =>
      store.accept(async () => {
        try {
          await store.fill(beginning, (fill) =>
            this.#fill(request, { fill, control, budget: new TimeBudget(budgetMs), isOutdated: beginning.wasChanged }),
          );
        } finally {
          beginning.end();
        }
      }),
    );
  }

  /**
   * Takes what others stored, or computes the value and stores it. Settles the flight as soon as
   * there is one.
   */
  async #fill(request: ComputeRequest<T>, context: FillContext<T>): Promise<void> {
    const { key, compute, ttlOf } = request;
    const { fill, control, budget } = context;
    const { store, recorder } = this.#namespace;
    const { writes } = store;
    const { frame, settle, joined } = control;
    const freeze = control.guard(fill.mayBeJoined);
    let locks: HeldLocks | undefined;
    control.onOutdated(() => locks?.giveBack([key]));
    try {
      const claim = await this.#claim(request, context, (held) => {
        locks = held;
      });
      if ('found' in claim) {
        settle({ ...claim.found, joined: claim.joined, isOutdated: Promise.resolve(false) });
        control.forget([key]);
        freeze();
        return;
      }
      const { isOwn, areOthers } = claim;
      const value = await inside(frame, compute);
      const [record] = this.#codec.encodeMany([key], [value]) as [Uint8Array];
      recorder.stats.fills++;
      const entries = this.#namespace.entriesOf([key], [record], ttlOf(value));
      let stored: Promise<unknown> = Promise.resolve();
      // Without a lock nobody knows what changed meanwhile; where others have it, they store
      // theirs.
      const sent = isOwn ? joined() : Number.POSITIVE_INFINITY;
      if (isOwn || !store.locks?.isUsable) stored = writes.planFill([key], recorder, fill, locks).store(entries);
      else if (fill.isCurrent(key) && !areOthers) {
        writes.skipped(1, recorder);
        stored = writes.keepInL1(entries, recorder, fill);
      }
      await budget.spend(stored);
      const isOutdated = stored.then((ok) => isOwn && ok === true && locks?.stored.has(key) === false);
      settle({ value, record, joined: sent, isOutdated });
      await stored;
      freeze();
    } finally {
      locks?.end();
    }
  }

  /**
   * Locks the key, so that one process computes it, and reads it once more: whoever had the lock
   * before may have stored it. What another process is at is waited for.
   *
   * @param onLocks is told of the locks that are asked for
   */
  async #claim(
    { key }: ComputeRequest<T>,
    context: FillContext<T>,
    onLocks: (locks: HeldLocks) => void,
  ): Promise<Claim<T>> {
    const { store } = this.#namespace;
    const { fill, control, isOutdated } = context;
    const others = new WaitForOthers(control.frame);
    for (let budget = context.budget; ; budget = new TimeBudget(store.readTimeout)) {
      // What is out of date already is not stored, and would keep others from storing theirs.
      const mayLock = budget.left > 0 && !isOutdated(key);
      const locks = mayLock ? store.usableLocks?.hold([key]) : undefined;
      if (locks === undefined) return { isOwn: false, areOthers: false };
      onLocks(locks);
      const { own, unknown } = await locks.lockedInTime(store.readTimeout);
      if (!fill.isCurrent(key)) locks.giveBack([key]);
      if (own.has(key)) {
        const before = control.joined();
        const found = await budget.spend(this.#lookup.reread(key));
        return found === undefined ? { isOwn: true, areOthers: false } : { found, joined: before };
      }
      if (unknown.has(key) || !fill.isCurrent(key)) return { isOwn: false, areOthers: false };
      if (others.isOver) return { isOwn: false, areOthers: true };
      locks.end();
      await others.pause();
    }
  }
}

/** Who computes a key: this flight, under its lock or without; or nobody, since it is there. */
type Claim<T> = { isOwn: boolean; areOthers: boolean } | { found: FoundValue<T>; joined: number };

interface FillContext<T> {
  fill: CacheFill;
  control: FlightControl<Computed<T>>;
  budget: TimeBudget;
  /** Whether the key was changed since it was looked up. */
  isOutdated: (key: string) => boolean;
}
