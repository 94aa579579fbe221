import { setTimeout as sleep } from 'node:timers/promises';
import { untilAborted } from '../../async/abort.js';
import { TimeBudget } from '../../async/deadline.js';
import type { Limiter } from '../../async/limiter.js';
import type { BackendFill } from '../../backends/backend.js';
import type { Observation } from '../../backends/overlap.js';
import { EmbedError, NestedCallError } from '../../errors.js';
import type { KeyHold } from '../locks/key-locks.js';
import { batches, type LookupPlan } from '../lookup/plan.js';
import { copiesOf } from '../lookup/vector-blocks.js';
import type { CacheFill, Store } from '../store/store.js';
import type { Flight, Flights, Lookup, Takeoff } from './flights.js';
import { callModel, type ModelCall } from './model-call.js';
import { currentFrame, inside } from './nesting.js';

/** Pauses between two looks whether others are done, in milliseconds: they double. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 200;

/** How long others are waited for that say they are at a key, in milliseconds. */
const LONGEST_WAIT = 60_000;

/** The same where a model waits: they may wait for that, in a way that nobody sees from here. */
const NESTED_WAIT = 2_000;

/** Reads in a row that may fail before the model is asked for what others may have stored. */
const MOST_FAILED_READS = 3;

/**
 * What came of a flight: vectors by key, and what went wrong with the others. The vectors are the flight's own: whoever gets one gets
 * a copy.
 */
export interface Answer {
  vectors: ReadonlyMap<string, Float32Array>;
  error?: unknown;
  /** Keys that others had stored, and how many had joined when they were read: old to later ones. */
  reread: ReadonlyMap<string, number>;
  /** The same of keys that were stored under locks, for where it is known in time whether they were. */
  sent: ReadonlyMap<string, number>;
  /** Resolves, when what can be stored is, to the keys that others wrote or removed before: to whoever asked after that it is old. */
  outdated: Promise<ReadonlySet<string>>;
}

/** What others stored meanwhile: in each place a vector or nothing, and whether something may be there that could not be read. */
interface Reread {
  vectors: (Float32Array | undefined)[];
  hasFailed: boolean;
}

/**
 * What a lookup waits for: the flights, which of its distinct keys each one owes it, and its place
 * among those who joined it; undefined where it is its own.
 */
export type Debts = Map<Flight<Answer>, { indices: number[]; place: number | undefined }>;

/** What `collect` could not give: keys that have to be looked up again, and those that failed. */
export interface Rest {
  outdated: number[];
  failed: Set<number>;
  error?: unknown;
}

/** What a filler needs to know of its namespace. */
export interface FillerOptions<Input> {
  model: ModelCall<Input>;
  batchSize: number;
  limiter: Limiter;
  /** Of the whole cache: two namespaces may have the same keys. */
  flights: Flights<Answer>;
  store: Store;
  read(keys: readonly string[]): Promise<Reread>;
  /** Throws `EmbedError` where inputs are not what the keys were made of any more. */
  check(keys: readonly string[], inputs: readonly Input[]): void;
  /**
   * Stores of the vectors that the model made what is still current. Never rejects; resolves when they are stored or given up, to
   * whether nothing failed.
   */
  write(batch: FilledBatch): Promise<boolean>;
}

/** Vectors that are to be stored. Nobody changes them. */
export interface FilledBatch {
  keys: readonly string[];
  vectors: readonly Float32Array[];
  ttlMs: number | undefined;
  fill: BackendFill;
  hold: KeyHold | undefined;
  /** Others store these. */
  areOthers: boolean;
}

/** What one lookup brings to the flights that it launches. */
export interface Launch<Input> {
  plan: LookupPlan;
  /** Those that are known. */
  vectors: readonly (Float32Array | undefined)[];
  inputs: readonly Input[];
  ttlMs: number | undefined;
  /** How long, in milliseconds, the cache may still hold up the caller. */
  budget: number;
  lookup: Lookup;
  beginning: Observation;
}

/**
 * Fills what lookups missed: each key by one call of the model at a time, whoever asks for it, in batches of which a few run at once;
 * also among processes, where the backend has locks.
 */
export class Filler<Input> {
  readonly #options: FillerOptions<Input>;

  constructor(options: FillerOptions<Input>) {
    this.#options = options;
  }

  /** Joins or starts the flights for every key without a vector; nothing in here waits, so that no two callers start the same work. */
  launch(launch: Launch<Input>): Debts {
    const { plan, vectors, inputs, lookup } = launch;
    const debts: Debts = new Map();
    const missing: number[] = [];
    for (let k = 0; k < plan.keys.length; k++) {
      if (vectors[k] !== undefined) continue;
      const flight = this.#options.flights.find(plan.keys[k] as string, lookup);
      if (flight === undefined) missing.push(k);
      else if (debts.has(flight)) debts.get(flight)?.indices.push(k);
      else debts.set(flight, { indices: [k], place: flight.join() });
    }
    for (const indices of batches(missing, this.#options.batchSize)) {
      const keys = indices.map((k) => plan.keys[k] as string);
      const wanted = indices.map((k) => inputs[plan.firstPlaces[k] as number] as Input);
      debts.set(this.#start(keys, wanted, launch), { indices, place: undefined });
    }
    return debts;
  }

  /** Puts copies of what is owed into `vectors`. Waits for every flight, also after one failed, and returns what is missing then. */
  async collect(
    { plan, vectors, budget }: Pick<Launch<Input>, 'plan' | 'budget'> & { vectors: (Float32Array | undefined)[] },
    debts: Debts,
    signal: AbortSignal | undefined,
  ): Promise<Rest> {
    const rest: Rest = { outdated: [], failed: new Set() };
    const fail = (k: number, error: unknown) => {
      if (rest.failed.size === 0) rest.error = error;
      rest.failed.add(k);
    };
    const keyOf = (k: number) => plan.keys[k] as string;
    await Promise.all(
      Array.from(debts, async ([flight, { indices, place }]) => {
        try {
          const answer = await flight.wait(signal);
          const isOld = place === undefined ? () => false : await this.#oldFor(place, answer, budget, signal);
          const found = indices.filter((k) => answer.vectors.has(keyOf(k)) && !isOld(keyOf(k)));
          const own = copiesOf(found.map((k) => answer.vectors.get(keyOf(k)) as Float32Array));
          found.forEach((k, i) => {
            vectors[k] = own[i];
          });
          for (const k of indices) {
            if (vectors[k] !== undefined) continue;
            if (isOld(keyOf(k))) rest.outdated.push(k);
            else fail(k, answer.error);
          }
        } catch (error) {
          for (const k of indices) fail(k, error);
        }
      }),
    );
    signal?.throwIfAborted();
    return rest;
  }

  /** What tells which keys of an answer are old for who joined its flight at `place`. */
  async #oldFor(
    place: number,
    { reread, sent, outdated }: Answer,
    budget: number,
    signal: AbortSignal | undefined,
  ): Promise<(key: string) => boolean> {
    const old = await new TimeBudget(budget).spend(untilAborted(outdated, signal));
    const isBefore = (joined: number | undefined) => joined !== undefined && joined <= place;
    return (key) => isBefore(reread.get(key)) || (old !== undefined && (old.has(key) || isBefore(sent.get(key))));
  }

  #start(keys: string[], inputs: Input[], launch: Launch<Input>): Flight<Answer> {
    const { flights, store } = this.#options;
    const beginning = launch.beginning.share();
    return flights.launch(keys, (takeoff) =>
      store.accept(async () => {
        try {
          await store.fill(beginning, (fill) =>
            new Batch(this.#options, { keys, inputs, ttlMs: launch.ttlMs, fill }, takeoff).run(launch.budget),
          );
        } finally {
          beginning.end();
        }
      }),
    );
  }
}

/** What `embed` throws where keys have failed: it names all places without a vector. */
export function failureOf(plan: LookupPlan, { failed, error }: Rest): unknown {
  if (error instanceof NestedCallError) return error;
  const places = [...plan.keyOfPlace.keys()].filter((place) => failed.has(plan.keyOfPlace[place] as number));
  const { message, cause } =
    error instanceof EmbedError ? error : new EmbedError('the model was not called', [], { cause: error });
  const what = message.replace(/; no vector for \d+ of \d+ inputs$/, '');
  return new EmbedError(`${what}; no vector for ${places.length} of ${plan.keyOfPlace.length} inputs`, places, {
    cause,
  });
}

interface BatchInput<Input> {
  keys: readonly string[];
  inputs: readonly Input[];
  ttlMs: number | undefined;
  fill: CacheFill;
}

/** One flight of a model's batch. */
class Batch<Input> {
  readonly #options: FillerOptions<Input>;
  readonly #keys: readonly string[];
  readonly #inputOf: ReadonlyMap<string, Input>;
  readonly #ttlMs: number | undefined;
  readonly #fill: CacheFill;
  readonly #takeoff: Takeoff<Answer>;
  readonly #vectors = new Map<string, Float32Array>();
  readonly #failed = new Set<string>();
  readonly #rereads = new Map<string, number>();
  readonly #sent = new Map<string, number>();
  readonly #outdated = new Set<string>();
  readonly #written: Promise<void>[] = [];
  /** Whether a model asks: it must wait for nobody who may wait for it. */
  readonly #isNested = currentFrame() !== undefined;
  readonly #freeze: () => void;
  readonly #holds = new Set<KeyHold>();
  #failedReads = 0;
  #error: unknown;

  constructor(
    options: FillerOptions<Input>,
    { keys, inputs, ttlMs, fill }: BatchInput<Input>,
    takeoff: Takeoff<Answer>,
  ) {
    this.#options = options;
    this.#keys = keys;
    this.#inputOf = new Map(keys.map((key, i) => [key, inputs[i] as Input]));
    this.#ttlMs = ttlMs;
    this.#fill = fill;
    this.#takeoff = takeoff;
    this.#freeze = takeoff.guard(fill.mayBeJoined);
    takeoff.onOutdated((key) => {
      for (const hold of this.#holds) hold.giveBack([key]);
    });
  }

  /** Settles the flight with what there is, and resolves when that is stored or given up. */
  async run(milliseconds: number): Promise<void> {
    try {
      const budget = new TimeBudget(milliseconds);
      const startedAt = performance.now();
      await this.#inTurn(() => this.#attempt(this.#keys, budget));
      for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, 2 * pause)) {
        await budget.spend(Promise.all(this.#written));
        const missing = this.#keys.filter((key) => !this.#vectors.has(key) && !this.#failed.has(key));
        if (missing.length === 0) break;
        // Others are at these: whoever has such a lock stores what it is for, or dies and loses it.
        await sleep(pause, undefined, { signal: this.#takeoff.signal });
        const longest = this.#isNested || this.#takeoff.frame.isAwaited ? NESTED_WAIT : LONGEST_WAIT;
        const isLast = performance.now() - startedAt > longest;
        await this.#attempt(missing, new TimeBudget(this.#options.store.readTimeout), { waitsForTurn: true, isLast });
      }
    } catch (error) {
      this.#error ??= error;
    }
    const written = Promise.allSettled(this.#written);
    this.#takeoff.settle({
      vectors: this.#vectors,
      error: this.#error,
      reread: this.#rereads,
      sent: this.#sent,
      outdated: written.then(() => this.#outdated),
    });
    await written;
    this.#freeze();
  }

  /** Computes those of the keys that nobody else is at; the last time the others as well, which are theirs to store. */
  async #attempt(
    keys: readonly string[],
    budget: TimeBudget,
    { waitsForTurn = false, isLast = false } = {},
  ): Promise<void> {
    const { store } = this.#options;
    const compute = (own: readonly string[], hold?: KeyHold) =>
      waitsForTurn ? this.#inTurn(() => this.#compute(own, hold)) : this.#compute(own, hold);
    const locks = budget.left > 0 ? store.usableLocks : undefined;
    if (locks === undefined) return compute(keys);
    const hold = locks.hold(keys);
    this.#holds.add(hold);
    // Nobody waits any more, and whoever asks again must not wait for a model that goes on.
    const stop = () => hold.end();
    this.#takeoff.signal.addEventListener('abort', stop);
    let isHandedOn = false;
    try {
      const { own, unknown } = await hold.lockedInTime(store.readTimeout);
      const missing = await this.#reread(
        keys.filter((key) => own.has(key)),
        hold,
        budget,
      );
      // Of some nobody knows whether others are at them.
      const mine = missing.concat(keys.filter((key) => unknown.has(key)));
      if (mine.length > 0) {
        isHandedOn = true;
        await compute(mine, hold);
      }
      const theirs = keys.filter((key) => !own.has(key) && !unknown.has(key));
      if (isLast && theirs.length > 0) await this.#compute(theirs, undefined, true);
    } finally {
      this.#takeoff.signal.removeEventListener('abort', stop);
      if (!isHandedOn) hold.end();
    }
  }

  /** Takes what others stored. Returns what is still to be computed. */
  async #reread(keys: readonly string[], hold: KeyHold, budget: TimeBudget): Promise<readonly string[]> {
    // Whoever had a lock before may have stored what it was for after we looked.
    if (keys.length === 0) return keys;
    const joined = this.#takeoff.joined();
    const found = await budget.spend(this.#options.read(keys));
    if (found?.hasFailed && this.#failedReads < MOST_FAILED_READS && budget.left > 0) {
      this.#failedReads += 1;
      return this.#reread(keys, hold, budget);
    }
    if (found === undefined) return keys;
    const stored: string[] = [];
    keys.forEach((key, i) => {
      const vector = found.vectors[i];
      if (vector === undefined) return;
      stored.push(key);
      this.#vectors.set(key, vector);
      this.#rereads.set(key, joined);
    });
    hold.giveBack(stored);
    // Whoever asks from now on reads it himself.
    this.#takeoff.forget(stored);
    return keys.filter((key) => !this.#vectors.has(key));
  }

  /** Asks the model, and begins to store what it says. Ends the locks that it is given. */
  async #compute(keys: readonly string[], hold?: KeyHold, areOthers = false): Promise<void> {
    const { model, store, check, write } = this.#options;
    const { frame, signal } = this.#takeoff;
    let vectors: Float32Array[];
    try {
      await store.room();
      signal.throwIfAborted();
      const inputs = keys.map((key) => this.#inputOf.get(key) as Input);
      check(keys, inputs);
      vectors = await inside(frame, () => callModel(model, inputs, signal));
    } catch (error) {
      hold?.end();
      this.#error ??= error;
      for (const key of keys) this.#failed.add(key);
      // Whoever asks from now on asks the model anew, while this waits for what others are at.
      this.#takeoff.forget(keys);
      return;
    }
    keys.forEach((key, i) => {
      this.#vectors.set(key, vectors[i] as Float32Array);
    });
    this.#written.push(this.#write({ keys, vectors, ttlMs: this.#ttlMs, fill: this.#fill, hold, areOthers }, write));
  }

  async #write(batch: FilledBatch, write: FillerOptions<Input>['write']): Promise<void> {
    const { hold, keys } = batch;
    const joined = this.#takeoff.joined();
    if (hold) for (const key of keys) if (hold.has(key)) this.#sent.set(key, joined);
    try {
      const isTold = await write(batch);
      // What is not known to be stored under its lock may have been changed by others before it was asked for.
      if (hold && isTold) for (const key of keys) if (hold.has(key) && !hold.stored.has(key)) this.#outdated.add(key);
    } finally {
      hold?.end();
    }
  }

  /** Waits for one of the namespace's places; not where a model waits for it, since those who have them may wait for that. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const { frame } = this.#takeoff;
    return this.#options.limiter.run(work, (place) => {
      if (this.#isNested) place.hurry();
      else frame.queued = place.hurry;
    });
  }
}
