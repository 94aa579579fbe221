import { untilAborted } from '../async/abort.js';
import { Limiter } from '../async/limiter.js';
import type { Observation } from '../backends/overlap.js';
import { createVectorCodec, type OnRefused, type VectorCodec } from '../codec/vectors.js';
import { kindOf } from '../describe.js';
import { EmbedError, InvalidInputError, InvalidOptionError } from '../errors.js';
import type { Identity } from '../keys/digest.js';
import { embeddingsFingerprint } from '../keys/fingerprint.js';
import { fingerprintPrefix } from '../keys/key.js';
import { checkOptions } from '../options.js';
import type { Ttl } from '../ttl.js';
import { type Answer, type Debts, type FilledBatch, Filler, failureOf, type Rest } from './fill/filler.js';
import type { Flights } from './fill/flights.js';
import { takeVector } from './fill/model-call.js';
import { EarlyDecoding } from './lookup/early-decode.js';
import { type LookupPlan, type LookupPlanner, ofPlaces } from './lookup/plan.js';
import { copiesOf } from './lookup/vector-blocks.js';
import { Namespace, type NamespaceContext } from './namespace.js';
import { type EmbeddingsOptions, embeddingsSchema } from './options.js';

/** Options of one `embed`. */
export interface EmbedCallOptions {
  /** Ends the wait, with the signal's reason. The model's call is aborted when nobody else waits for it. */
  signal?: AbortSignal | undefined;
  /** How long what is computed now lives. @default the namespace's */
  ttl?: Ttl | undefined;
  /** Told once what the cache had, before the rest is waited for: 1 for each input that it had, 0 for the others, in their order. */
  onLookup?: ((found: Uint8Array) => void) | undefined;
}

/** What a lookup found: vectors by distinct key, and what it left of the time there is, in milliseconds. */
interface Found {
  plan: LookupPlan;
  vectors: (Float32Array | undefined)[];
  left: number;
}

/** The vectors of one model under one namespace. Every vector that comes out is the caller's to change. */
export interface Embeddings<Input = string> {
  /**
   * The vectors of `inputs`, in their order: from the cache what it has, from the model the rest, each distinct input once.
   * Throws `EmbedError` naming the positions that have no vector (the others are stored), never because of the cache. The array, and
   * bytes in it, may be changed at once; other objects not before the promise is settled, which is noticed and refused. A model may
   * itself call `embed`, but for what it is computing: that is a `NestedCallError`.
   */
  embed(inputs: readonly Input[], options?: EmbedCallOptions): Promise<Float32Array[]>;
  /** The same as `embed`. */
  getOrCompute(inputs: readonly Input[], options?: EmbedCallOptions): Promise<Float32Array[]>;
  get(input: Input): Promise<Float32Array | undefined>;
  /** What the cache has, in order; the model is not asked. */
  getMany(inputs: readonly Input[]): Promise<(Float32Array | undefined)[]>;
  /** The same as one n x dimensions block: rows that are missing are 0, and `found` is 1 for the others. */
  getMatrix(inputs: readonly Input[]): Promise<{ data: Float32Array; found: Uint8Array }>;
  /**
   * Stores a vector of finite numbers, not all zero as float32s, as float32 (or what `precision` says). A cache that is down costs the
   * entry, not an error. What was computed before is not stored after it. Vectors may be changed at once.
   */
  set(input: Input, vector: ArrayLike<number>): Promise<void>;
  setMany(entries: readonly (readonly [Input, ArrayLike<number>])[]): Promise<void>;
  has(input: Input): Promise<boolean>;
  /** Rejects with `BackendError` where the backend could not delete. */
  delete(input: Input): Promise<boolean>;
  /** Returns how many there were. */
  deleteMany(inputs: readonly Input[]): Promise<number>;
  /** Deletes the whole namespace, whatever the model, and returns how many entries there were. */
  clear(): Promise<number>;
  /** The key that an input is stored under. */
  keyOf(input: Input): string;
}

export class EmbeddingsNamespace<Input> extends Namespace<Input> implements Embeddings<Input> {
  readonly #codec: VectorCodec;
  /** What the precision may make zero of. */
  readonly #least: number;
  /** For vectors that would be nothing but zeros. */
  #exact: VectorCodec | undefined;
  readonly #flights: Flights<Answer>;
  readonly #identify: ((input: Input) => Identity) | undefined;
  readonly #filler: Filler<Input> | undefined;

  constructor(context: NamespaceContext, given: EmbeddingsOptions<Input>) {
    const { model, dimensions, precision, compression, profile, batchSize, concurrency, ...lives } = checkOptions(
      embeddingsSchema,
      given,
      'options',
    );
    const identity = typeof model === 'string' ? { id: model } : model;
    const fingerprint = embeddingsFingerprint(identity, dimensions);
    super(context, fingerprintPrefix(context.prefix, fingerprint), lives);
    this.#codec = createVectorCodec({
      dimensions,
      ...(precision && { precision }),
      ...(compression && { compression }),
      ...(profile && { profile }),
    });
    this.#least = typeof precision === 'object' ? precision.maxError : precision === 'float16' ? 2 ** -25 : 0;
    this.#flights = context.flightsOf(precision ?? 'exact');
    this.#identify = given.identify;
    if (given.embed !== undefined) {
      this.#filler = new Filler({
        model: { namespace: context.ledger.namespace, id: identity.id, embed: given.embed, dimensions },
        batchSize,
        limiter: new Limiter(concurrency),
        flights: this.#flights,
        store: context.store,
        read: async (keys) => {
          const { records, hasFailed } = await this.readAgain(keys);
          return { vectors: await this.#codec.decodeManyLater(keys, records), hasFailed };
        },
        check: (keys, inputs) => this.#checkUnchanged(keys, inputs),
        write: (batch) => this.#writeFilled(batch),
      });
    }
  }

  async embed(inputs: readonly Input[], options: EmbedCallOptions = {}): Promise<Float32Array[]> {
    const filler = this.#filler;
    if (filler === undefined) throw new InvalidOptionError('embed', 'a function, for embed() to call', 'undefined');
    const ttlMs = this.ttlOf(options);
    // The model must be asked for what the keys were made of, whatever becomes of the caller's array meanwhile.
    const asked = this.#ownInputs(inputs);
    const planner = this.plannerOf(asked);
    options.signal?.throwIfAborted();
    if (asked.length === 0) return [];
    return this.context.store.accept(() => this.#embed(filler, asked, planner, ttlMs, options));
  }

  getOrCompute(inputs: readonly Input[], options?: EmbedCallOptions): Promise<Float32Array[]> {
    return this.embed(inputs, options);
  }

  async get(input: Input): Promise<Float32Array | undefined> {
    return (await this.getMany([input]))[0];
  }

  async getMany(inputs: readonly Input[]): Promise<(Float32Array | undefined)[]> {
    const planner = this.plannerOf(inputs);
    if (planner.inputs === 0) return [];
    const { plan, vectors } = await this.#lookUp(planner);
    return inOrder(plan, vectors);
  }

  async getMatrix(inputs: readonly Input[]): Promise<{ data: Float32Array; found: Uint8Array }> {
    const planner = this.plannerOf(inputs);
    if (planner.inputs === 0) return { data: new Float32Array(0), found: new Uint8Array(0) };
    const answer = await this.readPlanned(planner);
    const plan = planner.plan();
    const ofOtherForm = new Set<number>();
    const matrix = await this.#codec.decodeMatrixLater(
      ofPlaces(plan, plan.keys),
      answer.records.pick(plan.keyOfPlace),
      noteOtherForm(ofOtherForm),
    );
    this.enterLookup(plan.keys, answer, (k) => {
      const place = plan.firstPlaces[k] as number;
      if (matrix.found[place] === 1) return 'hit';
      return ofOtherForm.has(place) ? 'miss' : 'corrupt';
    });
    return matrix;
  }

  async set(input: Input, vector: ArrayLike<number>): Promise<void> {
    await this.setMany([[input, vector]]);
  }

  async setMany(entries: readonly (readonly [Input, ArrayLike<number>])[]): Promise<void> {
    if (!Array.isArray(entries)) throw new InvalidInputError('entries', 'an array of [input, vector]', typeof entries);
    const keys = this.keysOf(entries.map(([input]) => input));
    const vectors = entries.map(([, given], i) => {
      const { vector, wrong } = takeVector(given, this.#codec.dimensions);
      if (vector === undefined)
        throw new InvalidInputError(`entries[${i}]`, 'a vector of finite numbers, not all zero', wrong);
      return vector;
    });
    await this.writeNow(keys, this.ttlOf({}), () => this.#encode(keys, vectors));
  }

  async has(input: Input): Promise<boolean> {
    return (await this.get(input)) !== undefined;
  }

  keyOf(input: Input): string {
    return this.keysOf([input])[0] as string;
  }

  protected override identitiesOf(inputs: readonly Input[]): readonly Identity[] {
    if (!Array.isArray(inputs)) throw new InvalidInputError('inputs', 'an array', typeof inputs);
    const identify = this.#identify;
    const identities: readonly unknown[] = identify === undefined ? inputs : inputs.map((input) => identify(input));
    for (let i = 0; i < identities.length; i++) {
      const identity = identities[i];
      if (typeof identity === 'string' || identity instanceof Uint8Array) continue;
      const field = identify === undefined ? `inputs[${i}]` : `identify(inputs[${i}])`;
      throw new InvalidInputError(field, 'a string or bytes', kindOf(identity));
    }
    return identities as readonly Identity[];
  }

  async #embed(
    filler: Filler<Input>,
    asked: readonly Input[],
    planner: LookupPlanner,
    ttlMs: number | undefined,
    { signal, onLookup }: EmbedCallOptions,
  ): Promise<Float32Array[]> {
    const { store } = this.context;
    const flights = this.#flights;
    // What is changed from here on is newer than what this call brings.
    const beginning: Observation = store.begin();
    const lookup = flights.beginLookup();
    let found: Found;
    let debts: Debts;
    try {
      found = await untilAborted(this.#lookUp(planner), signal);
      signal?.throwIfAborted();
      const { plan, vectors, left } = found;
      debts = filler.launch({ plan, vectors, inputs: asked, ttlMs, budget: left, lookup, beginning });
    } finally {
      flights.endLookup(lookup);
      beginning.end();
    }
    const { plan, vectors } = found;
    if (onLookup !== undefined) {
      const told: unknown = onLookup(Uint8Array.from(plan.keyOfPlace, (k) => Number(vectors[k] !== undefined)));
      if (told instanceof Promise) told.catch(() => {});
    }
    const rest = await filler.collect({ plan, vectors, budget: found.left }, debts, signal);
    if (rest.outdated.length > 0) await this.#lookAgain(filler, asked, { plan, vectors, rest }, ttlMs, signal);
    if (rest.failed.size > 0) throw failureOf(plan, rest);
    return inOrder(plan, vectors as Float32Array[]);
  }

  /** Looks up what flights of others could not give. */
  async #lookAgain(
    filler: Filler<Input>,
    asked: readonly Input[],
    { plan, vectors, rest }: Pick<Found, 'plan' | 'vectors'> & { rest: Rest },
    ttlMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const inputs = rest.outdated.map((k) => asked[plan.firstPlaces[k] as number] as Input);
    try {
      const newer = await this.#embed(filler, inputs, this.acceptedPlannerOf(inputs), ttlMs, {
        ...(signal && { signal }),
      });
      rest.outdated.forEach((k, i) => {
        vectors[k] = newer[i];
      });
    } catch (error) {
      if (!(error instanceof EmbedError)) throw error;
      if (rest.failed.size === 0) rest.error = error;
      for (const i of error.indices) rest.failed.add(rest.outdated[i] as number);
    }
  }

  /** The inputs as they are now: an array, and bytes in it, may be the caller's to use again. */
  #ownInputs(inputs: readonly Input[]): readonly Input[] {
    if (!Array.isArray(inputs)) throw new InvalidInputError('inputs', 'an array', kindOf(inputs));
    const own = [...inputs];
    for (let i = 0; i < own.length; i++) {
      const input: unknown = own[i];
      if (input instanceof Uint8Array) own[i] = input.slice() as Input;
    }
    return own;
  }

  /** Inputs that are no texts nor bytes are the caller's objects, which may have become something else while `embed` waited. */
  #checkUnchanged(keys: readonly string[], inputs: readonly Input[]): void {
    if (this.#identify === undefined || inputs.every((input) => typeof input === 'string')) return;
    const now = this.acceptedKeysOf(inputs);
    if (now.every((key, i) => key === keys[i])) return;
    const changed = now.filter((key, i) => key !== keys[i]).length;
    throw new EmbedError(`${changed} inputs were changed while embed waited: hand in copies`, []);
  }

  /** See `FillerOptions.write`. */
  async #writeFilled({ keys, vectors, ttlMs, fill, hold, areOthers }: FilledBatch): Promise<boolean> {
    const { ledger, store } = this.context;
    ledger.stats.fills += keys.length;
    let places: number[] = [];
    try {
      places = [...keys.keys()].filter((place) => fill.isCurrent(keys[place] as string));
      if (places.length === 0 || areOthers) return true;
      // Without a lock nobody knows what changed meanwhile.
      const isFree = !store.locks?.isUsable;
      const locked = isFree ? places : places.filter((place) => hold?.has(keys[place] as string));
      const mayStore = locked.length > 0 && !store.hasPausedWrites;
      const skipped = mayStore ? places.length - locked.length : places.length;
      if (skipped > 0) store.skipped(skipped, ledger);
      if (!mayStore && fill.keepNear === undefined) return false;
      if (mayStore) places = locked;
      const current = places.map((place) => keys[place] as string);
      const records = await this.#encode(
        current,
        places.map((place) => vectors[place] as Float32Array),
      );
      const entries = this.entriesOf(current, records, ttlMs);
      if (mayStore) return await store.planFill(current, ledger, fill, hold).store(entries);
      await store.keepNear(entries, ledger, fill);
    } catch (error) {
      store.notStored(places.length, error, ledger);
    }
    return false;
  }

  /** In turns where there are many. A vector of which the precision would leave nothing but zeros is stored exactly. */
  async #encode(keys: string[], vectors: Float32Array[]): Promise<Uint8Array[]> {
    const codec = this.#codec;
    const inTurns = codec.encodesInTurns(keys.length);
    const records = inTurns ? await codec.encodeManyLater(keys, vectors) : codec.encodeMany(keys, vectors);
    const least = this.#least;
    if (least === 0) return records;
    const vanishing = [...vectors.keys()].filter((i) => vectors[i]?.every((x) => Math.abs(x) <= least));
    if (vanishing.length === 0) return records;
    this.#exact ??= createVectorCodec({ dimensions: codec.dimensions });
    const exact = this.#exact.encodeMany(
      vanishing.map((i) => keys[i] as string),
      vanishing.map((i) => vectors[i] as Float32Array),
    );
    vanishing.forEach((i, n) => {
      records[i] = exact[n] as Uint8Array;
    });
    return records;
  }

  /** Reads and decodes: what comes before the rest is decoded while that is under way. */
  async #lookUp(planner: LookupPlanner): Promise<Found> {
    const early = new EarlyDecoding(this.#codec, planner.keys, planner.inputs);
    const answer = await this.readPlanned(planner, (first, part) => early.add(first, part));
    early.end();
    const plan = planner.plan();
    const { keys } = plan;
    const { records, left } = answer;
    const ofOtherForm = new Set<number>();
    const rest = early.isEmpty ? records : records.where((k) => early.vectors[k] === undefined);
    const vectors = await this.#codec.decodeManyLater(keys, rest, noteOtherForm(ofOtherForm));
    for (let k = 0; k < keys.length && !early.isEmpty; k++) {
      // What was told early and is not in the answer is not believed.
      if (records.has(k)) vectors[k] ??= early.vectors[k];
    }
    this.enterLookup(keys, answer, (k) => {
      if (vectors[k] !== undefined) return 'hit';
      return ofOtherForm.has(k) ? 'miss' : 'corrupt';
    });
    return { plan, vectors, left };
  }
}

/** A record that is coarser than what is asked for now, or whose profile this namespace has not, is a miss: nothing is wrong with it. */
function noteOtherForm(places: Set<number>): OnRefused {
  return (place, reason) => {
    if (reason === 'precision' || reason === 'profile') places.add(place);
  };
}

/** A vector for each place; a place that repeats another gets a copy, so that changing one changes no other. */
function inOrder<T extends Float32Array | undefined>(plan: LookupPlan, vectors: T[]): T[] {
  if (plan.keys.length === plan.keyOfPlace.length) return vectors;
  const repeated: Float32Array[] = [];
  const isCopy = (k: number, place: number) => plan.firstPlaces[k] !== place && vectors[k] !== undefined;
  plan.keyOfPlace.forEach((k, place) => {
    if (isCopy(k, place)) repeated.push(vectors[k] as Float32Array);
  });
  const copies = copiesOf(repeated).values();
  return Array.from(plan.keyOfPlace, (k, place) => (isCopy(k, place) ? (copies.next().value as T) : (vectors[k] as T)));
}
