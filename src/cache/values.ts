import { TimeBudget } from '../async/deadline.js';
import type { Observation } from '../backends/overlap.js';
import { kindOf } from '../describe.js';
import { InvalidInputError } from '../errors.js';
import { valuesFingerprint } from '../keys/fingerprint.js';
import { fingerprintPrefix } from '../keys/key.js';
import { checkOptions } from '../options.js';
import type { Ttl } from '../ttl.js';
import { createValueCodec, type ValueCodec } from '../values/codec.js';
import { type Flight, Flights } from './fill/flights.js';
import { inside } from './fill/nesting.js';
import { ofPlaces } from './lookup/plan.js';
import { Namespace, type NamespaceContext } from './namespace.js';
import { type ValuesOptions, valuesSchema } from './options.js';

/** Options of one write. */
export interface ValueCallOptions {
  /** @default the namespace's */
  ttl?: Ttl | undefined;
}

/** Options of one computation. */
export interface ComputeOptions<T> {
  /** The life of what is computed, or what tells it of the value. @default the namespace's */
  ttl?: (Ttl | ((value: T) => Ttl)) | undefined;
}

/** Values of any kind that msgpack holds, by string keys, under one namespace. Every value that comes out is the caller's to change. */
export interface Values<T> {
  get(key: string): Promise<T | undefined>;
  getMany(keys: readonly string[]): Promise<(T | undefined)[]>;
  /** Throws `InvalidInputError` for undefined and for what msgpack cannot hold. A cache that is down costs the entry, not an error. */
  set(key: string, value: T, options?: ValueCallOptions): Promise<void>;
  setMany(entries: readonly (readonly [string, T])[], options?: ValueCallOptions): Promise<void>;
  /** The cached value, or what `compute` gives, stored; callers who ask at the same time share one computation and its error. */
  getOrCompute(key: string, compute: () => Promise<T> | T, options?: ComputeOptions<T>): Promise<T>;
  has(key: string): Promise<boolean>;
  /** Rejects with `BackendError` where the backend could not delete. */
  delete(key: string): Promise<boolean>;
  deleteMany(keys: readonly string[]): Promise<number>;
  /** Deletes the whole namespace and returns how many entries there were. */
  clear(): Promise<number>;
}

/** What a computation gave: the value for who asked first, the record for everybody else. */
interface Computed<T> {
  value: T;
  record: Uint8Array;
  /** How many had joined when it was read, or sent to be stored under its lock: to whoever joined later it is old. */
  joined: number;
  /** Resolves, when it is stored where it can be, to whether others wrote or removed it before. */
  isOutdated: Promise<boolean>;
}

export class ValuesNamespace<T> extends Namespace<string> implements Values<T> {
  readonly #codec: ValueCodec<T>;
  readonly #flights: Flights<Computed<T>>;

  constructor(context: NamespaceContext, given: ValuesOptions) {
    const { compression, dictionary, maxValueBytes, ...lives } = checkOptions(valuesSchema, given, 'options');
    super(context, fingerprintPrefix(context.prefix, valuesFingerprint()), lives);
    // What another dictionary made nobody else can read.
    this.#flights = dictionary ? new Flights() : (context.valueFlights as Flights<Computed<T>>);
    this.#codec = createValueCodec<T>({
      ...(compression && { compression }),
      ...(dictionary && { dictionary }),
      ...(maxValueBytes && { maxValueBytes }),
    });
  }

  async get(key: string): Promise<T | undefined> {
    return (await this.getMany([key]))[0];
  }

  async getMany(keys: readonly string[]): Promise<(T | undefined)[]> {
    const planner = this.plannerOf(keys);
    if (planner.inputs === 0) return [];
    const answer = await this.readPlanned(planner);
    const plan = planner.plan();
    // Each place is decoded for itself: a value that is handed out twice could be changed through one of them.
    const values = this.#codec.decodeMany(ofPlaces(plan, plan.keys), answer.records.pick(plan.keyOfPlace).toArray());
    this.enterLookup(plan.keys, answer, (k) =>
      values[plan.firstPlaces[k] as number] === undefined ? 'corrupt' : 'hit',
    );
    return values;
  }

  async set(key: string, value: T, options?: ValueCallOptions): Promise<void> {
    await this.setMany([[key, value]], options);
  }

  async setMany(entries: readonly (readonly [string, T])[], options: ValueCallOptions = {}): Promise<void> {
    if (!Array.isArray(entries)) throw new InvalidInputError('entries', 'an array of [key, value]', typeof entries);
    const keys = this.keysOf(entries.map(([key]) => key));
    const values = entries.map(([, value]) => value);
    const ttlMs = this.ttlOf(options);
    const records = this.#codec.encodeMany(keys, values);
    await this.writeNow(keys, ttlMs, () => records);
  }

  async getOrCompute(key: string, compute: () => Promise<T> | T, options: ComputeOptions<T> = {}): Promise<T> {
    const { ttl } = options;
    const ttlMs = typeof ttl === 'function' ? undefined : this.ttlOf({ ...(ttl !== undefined && { ttl }) });
    const lifeOf = (value: T) => (typeof ttl === 'function' ? this.ttlOf({ ttl: ttl(value) }) : ttlMs);
    const [fullKey] = this.keysOf([key]) as [string];
    return this.context.store.accept(() => this.#getOrCompute(fullKey, compute, lifeOf));
  }

  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  protected override identitiesOf(keys: readonly string[]): readonly string[] {
    if (!Array.isArray(keys)) throw new InvalidInputError('keys', 'an array of strings', typeof keys);
    keys.forEach((key, i) => {
      if (typeof key !== 'string') throw new InvalidInputError(`keys[${i}]`, 'a string', kindOf(key));
    });
    return keys;
  }

  async #getOrCompute(
    key: string,
    compute: () => Promise<T> | T,
    lifeOf: (value: T) => number | undefined,
  ): Promise<T> {
    // What is changed from here on is newer than what this call brings.
    const beginning = this.context.store.begin();
    const lookup = this.#flights.beginLookup();
    let flight: Flight<Computed<T>>;
    let left: number;
    let place: number | undefined;
    try {
      const answer = await this.read([key]);
      const [value] = this.#codec.decodeMany([key], answer.records.toArray());
      this.enterLookup([key], answer, () => (value === undefined ? 'corrupt' : 'hit'));
      if (value !== undefined) return value;
      left = answer.left;
      const known = this.#flights.find(key, lookup);
      place = known?.join();
      flight = known ?? this.#launch(key, compute, lifeOf, left, beginning.share());
    } finally {
      this.#flights.endLookup(lookup);
      beginning.end();
    }
    const { value, record, joined, isOutdated } = await flight.wait(undefined);
    if (place === undefined) return value;
    // Who asked after another process removed it must not get what was computed before.
    const isOld = await new TimeBudget(left).spend(isOutdated);
    if (isOld || (joined <= place && isOld !== undefined)) return this.#getOrCompute(key, compute, lifeOf);
    return this.#codec.decodeOne(key, record);
  }

  #launch(
    key: string,
    compute: () => Promise<T> | T,
    lifeOf: (value: T) => number | undefined,
    milliseconds: number,
    beginning: Observation,
  ): Flight<Computed<T>> {
    const { store, ledger } = this.context;
    const budget = new TimeBudget(milliseconds);
    return this.#flights.launch([key], ({ frame, settle, guard, onOutdated, joined, forget }) =>
      store.accept(async () => {
        // What is out of date already is not stored, and would keep others from storing theirs.
        const mayLock = milliseconds > 0 && !beginning.wasChanged(key);
        const hold = mayLock ? store.usableLocks?.hold([key]) : undefined;
        onOutdated(() => hold?.giveBack([key]));
        try {
          await store.fill(beginning, async (fill) => {
            const freeze = guard(fill.mayBeJoined);
            const locked = await hold?.lockedInTime(store.readTimeout);
            if (!fill.isCurrent(key)) hold?.giveBack([key]);
            const isMine = locked?.own.has(key) === true;
            // Whoever had the lock before may have stored it after we looked.
            const before = joined();
            const known = isMine ? await this.#reread(key, budget) : undefined;
            if (known !== undefined) {
              settle({ ...known, joined: before, isOutdated: Promise.resolve(false) });
              forget([key]);
              freeze();
              return;
            }
            const value = await inside(frame, compute);
            const [record] = this.#codec.encodeMany([key], [value]) as [Uint8Array];
            ledger.stats.fills++;
            const entries = this.entriesOf([key], [record], lifeOf(value));
            let stored: Promise<unknown> = Promise.resolve();
            // Without a lock nobody knows what changed meanwhile; where others have it, they store theirs.
            const sent = isMine ? joined() : Number.POSITIVE_INFINITY;
            if (isMine || !store.locks?.isUsable) stored = store.planFill([key], ledger, fill, hold).store(entries);
            else if (fill.isCurrent(key) && locked?.unknown.has(key) !== false) {
              store.skipped(1, ledger);
              stored = store.keepNear(entries, ledger, fill);
            }
            await budget.spend(stored);
            const isOutdated = stored.then((ok) => isMine && ok === true && hold?.stored.has(key) === false);
            settle({ value, record, joined: sent, isOutdated });
            await stored;
            freeze();
          });
        } finally {
          hold?.end();
          beginning.end();
        }
      }),
    );
  }

  /** What is stored under a key now, where that can be known in time. */
  async #reread(key: string, budget: TimeBudget): Promise<{ value: T; record: Uint8Array } | undefined> {
    const answer = await budget.spend(this.readAgain([key]));
    const record = answer?.records.at(0);
    const [value] = record === undefined ? [] : this.#codec.decodeMany([key], [record]);
    return record === undefined || value === undefined ? undefined : { value, record };
  }
}
