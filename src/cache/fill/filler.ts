import { untilAborted } from '../../async/abort.js';
import { chunksOf } from '../../async/chunks.js';
import { TimeBudget } from '../../async/deadline.js';
import type { Observation } from '../../backends/write-tracker.js';
import { EmbedError, InvalidOptionError, NestedCallError } from '../../errors.js';
import type { LookupPlan } from '../lookup/plan.js';
import { copiesOf } from '../lookup/vector-copies.js';
import type { Found } from '../lookup/vector-lookup.js';
import { FillBatch, type FillParts } from './batch.js';
import type { Lookup } from './flights.js';
import type { FlightResult, VectorFlight } from './vector-flights.js';

/**
 * The flights that a lookup waits for: which of its distinct keys each one brings, and its place
 * among those who joined it; undefined where it started the flight itself.
 */
export type PendingFlights = Map<VectorFlight, { indices: number[]; place: number | undefined }>;

/** What `collect` could not give: keys that have to be looked up again, and those that failed. */
export interface Rest {
  outdated: number[];
  /** Why, by key. */
  failed: Map<number, unknown>;
}

/** What one lookup brings to the flights that it joins or starts. */
export interface Missed<Input> {
  plan: LookupPlan;
  /** Those that are known. */
  vectors: readonly (Float32Array | undefined)[];
  inputs: readonly Input[];
  /** Whether the model is asked for all of them, whatever is stored or under way. */
  refresh: boolean;
  ttlMs: number | undefined;
  /** How long the cache may still hold up the caller, in milliseconds. */
  budgetMs: number;
  lookup: Lookup;
  beginning: Observation;
}

/**
 * Fills what lookups missed: each key by one call of the model at a time, whoever asks for it, in
 * batches of which a few run at once; also among processes, where the backend has locks.
 */
export class Filler<Input> {
  readonly #parts: FillParts<Input>;

  constructor(parts: FillParts<Input>) {
    this.#parts = parts;
  }

  /**
   * Joins or starts the flights for every key without a vector; nothing in here waits, so that no
   * two callers start the same work.
   */
  joinOrStart(missed: Missed<Input>): PendingFlights {
    const { plan, vectors, inputs, lookup, refresh } = missed;
    const pending: PendingFlights = new Map();
    const missing: number[] = [];
    for (let k = 0; k < plan.keys.length; k++) {
      if (vectors[k] !== undefined) continue;
      const flight = refresh ? undefined : this.#parts.flights.find(plan.keys[k] as string, lookup);
      if (flight === undefined) missing.push(k);
      else if (pending.has(flight)) pending.get(flight)?.indices.push(k);
      else pending.set(flight, { indices: [k], place: flight.join() });
    }
    for (const indices of chunksOf(missing, this.#parts.batchSize)) {
      const keys = indices.map((k) => plan.keys[k] as string);
      const wanted = indices.map((k) => inputs[plan.firstPlaces[k] as number] as Input);
      pending.set(this.#start(keys, wanted, missed), { indices, place: undefined });
    }
    return pending;
  }

  /**
   * Puts copies of what the flights bring into `vectors`, and what that took into `tokens`. Waits
   * for every flight, also after one failed, and returns what is missing then.
   */
  async collect(
    { plan, vectors, tokens, left }: Found,
    pending: PendingFlights,
    signal: AbortSignal | undefined,
  ): Promise<Rest> {
    const rest: Rest = { outdated: [], failed: new Map() };
    const keyOf = (k: number) => plan.keys[k] as string;
    await Promise.all(
      Array.from(pending, async ([flight, { indices, place }]) => {
        try {
          const answer = await flight.wait(signal);
          const isOld = place === undefined ? () => false : await this.#oldFor(place, answer, left, signal);
          const found = indices.filter((k) => answer.vectors.has(keyOf(k)) && !isOld(keyOf(k)));
          this.#checkLength(found.map((k) => answer.vectors.get(keyOf(k)) as Float32Array));
          const own = copiesOf(found.map((k) => answer.vectors.get(keyOf(k)) as Float32Array));
          found.forEach((k, i) => {
            vectors[k] = own[i];
            tokens[k] = answer.tokens.get(keyOf(k));
          });
          for (const k of indices) {
            if (vectors[k] !== undefined) continue;
            if (isOld(keyOf(k))) rest.outdated.push(k);
            else rest.failed.set(k, answer.error);
          }
        } catch (error) {
          for (const k of indices) rest.failed.set(k, error);
        }
      }),
    );
    signal?.throwIfAborted();
    return rest;
  }

  /** What tells which keys of an answer are old for who joined its flight at `place`. */
  async #oldFor(
    place: number,
    { reread, sent, outdated }: FlightResult,
    budgetMs: number,
    signal: AbortSignal | undefined,
  ): Promise<(key: string) => boolean> {
    const old = await new TimeBudget(budgetMs).spend(untilAborted(outdated, signal));
    const isBefore = (joined: number | undefined) => joined !== undefined && joined <= place;
    return (key) => isBefore(reread.get(key)) || (old !== undefined && (old.has(key) || isBefore(sent.get(key))));
  }

  /** Others who opened the namespace may have learned other dimensions than this one has. */
  #checkLength([vector]: readonly Float32Array[]): void {
    const { codec } = this.#parts.model;
    if (vector === undefined || codec.for(vector.length) !== undefined) return;
    throw new EmbedError(`the model returned ${vector.length} dimensions instead of ${codec.dimensions}`, []);
  }

  #start(keys: string[], inputs: Input[], missed: Missed<Input>): VectorFlight {
    const { flights, namespace } = this.#parts;
    const { store } = namespace;
    const beginning = missed.beginning.share();
    return flights.launch(keys, (control) =>
      store.accept(async () => {
        try {
          await store.fill(beginning, (fill) =>
            new FillBatch(
              this.#parts,
              { keys, inputs, ttlMs: missed.ttlMs, fill, refresh: missed.refresh },
              control,
            ).run(missed.budgetMs),
          );
        } finally {
          beginning.end();
        }
      }),
    );
  }
}

/**
 * What `embed` throws where keys have failed: it names all places without a vector, and tells why of
 * the key that failed first.
 */
export function failureOf(plan: LookupPlan, failed: Rest['failed']): unknown {
  const errors = [...failed.values()];
  // What the caller did wrong, and no model.
  const own = errors.find((each) => each instanceof NestedCallError || each instanceof InvalidOptionError);
  if (own !== undefined) return own;
  const [error] = errors;
  const places = [...plan.keyOfPlace.keys()].filter((place) => failed.has(plan.keyOfPlace[place] as number));
  const { message, cause } =
    error instanceof EmbedError ? error : new EmbedError('the model was not called', [], { cause: error });
  const what = message.replace(/; no vector for \d+ of \d+ inputs$/, '');
  return new EmbedError(`${what}; no vector for ${places.length} of ${plan.keyOfPlace.length} inputs`, places, {
    cause,
  });
}
