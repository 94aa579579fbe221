import type { BackendFill } from '../backends/backend.js';
import { EmbedError } from '../errors.js';
import { atMost } from './deadline.js';
import { type Flight, Flights, type Lookup } from './flights.js';
import { Limiter } from './limiter.js';
import { batches, type LookupPlan } from './lookup-plan.js';
import { callModel, type ModelCall } from './provider.js';
import type { Turns } from './turns.js';

/** The vectors of one call of the model, by key. */
type Answer = Map<string, Float32Array>;

/** What a lookup waits for: the flights, and which of its distinct keys each one owes it. */
type Debts = Map<Flight<Answer>, { indices: number[]; isOwn: boolean }>;

/** What a filler needs to know of its namespace. */
export interface FillerOptions<Input> {
  model: ModelCall<Input>;
  batchSize: number;
  concurrency: number;
  /** See `Store.fill`. */
  begin<T>(work: (fill: BackendFill) => Promise<T>): Promise<T>;
  /** Where other processes may be at the same keys. */
  turns: Turns<Float32Array> | undefined;
  /** Stores of the vectors that the model made what is still current. Never rejects; resolves when they are stored or given up. */
  store(keys: string[], vectors: Float32Array[], ttlMs: number | undefined, fill: BackendFill): Promise<void>;
}

/**
 * Fills what lookups missed: each key by one call of the model at a time, whoever asks for it, in batches of which a few run at once;
 * also among processes, where the backend has leases.
 */
export class Filler<Input> {
  readonly #options: FillerOptions<Input>;
  readonly #limiter: Limiter;
  readonly #flights = new Flights<Answer>();

  constructor(options: FillerOptions<Input>) {
    this.#options = options;
    this.#limiter = new Limiter(options.concurrency);
  }

  beginLookup(): Lookup {
    return this.#flights.beginLookup();
  }

  endLookup(lookup: Lookup): void {
    this.#flights.endLookup(lookup);
  }

  /**
   * Joins or starts the flights for every key without a vector; nothing in here waits, so that no two callers start the same work.
   *
   * @param patience how long, in milliseconds, an answer of the model is held back to be stored first
   */
  launch(
    plan: LookupPlan,
    vectors: readonly (Float32Array | undefined)[],
    inputs: readonly Input[],
    ttlMs: number | undefined,
    patience: number,
  ): Debts {
    const debts: Debts = new Map();
    const orphans: number[] = [];
    for (let k = 0; k < plan.keys.length; k++) {
      if (vectors[k] !== undefined) continue;
      const flight = this.#flights.find(plan.keys[k] as string);
      if (flight === undefined) orphans.push(k);
      else if (debts.has(flight)) debts.get(flight)?.indices.push(k);
      else debts.set(flight, { indices: [k], isOwn: false });
    }
    for (const indices of batches(orphans, this.#options.batchSize)) {
      const keys = indices.map((k) => plan.keys[k] as string);
      const wanted = indices.map((k) => inputs[plan.firstPlaces[k] as number] as Input);
      debts.set(this.#start(keys, wanted, ttlMs, patience), { indices, isOwn: true });
    }
    return debts;
  }

  /**
   * Puts what is owed into `vectors`. Waits for every flight, also after one failed, and then throws one `EmbedError` that names all
   * places without a vector.
   */
  async collect(
    plan: LookupPlan,
    vectors: (Float32Array | undefined)[],
    debts: Debts,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const failed = new Set<number>();
    let firstError: unknown;
    await Promise.all(
      Array.from(debts, async ([flight, { indices, isOwn }]) => {
        try {
          const answer = await flight.wait(signal);
          for (const k of indices) {
            const vector = answer.get(plan.keys[k] as string) as Float32Array;
            // Who joined gets copies: the one whose flight it is may change its own at once.
            vectors[k] = isOwn ? vector : vector.slice();
          }
        } catch (error) {
          if (failed.size === 0) firstError = error;
          for (const k of indices) failed.add(k);
        }
      }),
    );
    if (failed.size === 0) return;
    signal?.throwIfAborted();
    const places = [...plan.keyOfPlace.keys()].filter((place) => failed.has(plan.keyOfPlace[place] as number));
    const error =
      firstError instanceof EmbedError
        ? firstError
        : new EmbedError('the model was not called', [], { cause: firstError });
    throw new EmbedError(
      `${error.message}; no vector for ${places.length} of ${plan.keyOfPlace.length} inputs`,
      places,
      { cause: error.cause },
    );
  }

  #start(keys: string[], inputs: Input[], ttlMs: number | undefined, patience: number): Flight<Answer> {
    const { model, begin, store, turns } = this.#options;
    const inputOf = new Map(keys.map((key, i) => [key, inputs[i] as Input]));
    return this.#flights.launch(keys, ({ signal, settle, guard }) =>
      begin(async (fill) => {
        guard(fill.isCurrent);
        let allStored: Promise<unknown> = Promise.resolve();
        const compute = async (wanted: string[], left: number) => {
          const results = await this.#limiter.run(async () => {
            signal.throwIfAborted();
            return callModel(
              model,
              wanted.map((key) => inputOf.get(key) as Input),
              signal,
            );
          });
          const stored = store(wanted, results, ttlMs, fill);
          allStored = Promise.all([allStored, stored]);
          await atMost(left, stored);
          return { results, stored };
        };
        if (turns) settle(await turns.take(keys, signal, patience, compute));
        else {
          const { results } = await compute(keys, patience);
          settle(new Map(keys.map((key, i) => [key, results[i] as Float32Array])));
        }
        await allStored;
      }),
    );
  }
}
