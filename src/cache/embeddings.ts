import { untilAborted } from '../async/abort.js';
import { Semaphore } from '../async/semaphore.js';
import { createVectorCodec, type VectorCodec } from '../codec/vectors.js';
import { EmbedError, InvalidInputError, InvalidOptionError } from '../errors.js';
import { embeddingsFingerprint } from '../keys/fingerprint.js';
import { fingerprintPrefix } from '../keys/key.js';
import { checkOptions } from '../options.js';
import type { Ttl } from '../ttl.js';
import { FillWriter } from './fill/fill-writer.js';
import { Filler, failureOf, type PendingFlights, type Rest } from './fill/filler.js';
import { takeVector } from './fill/model-call.js';
import type { VectorFlights } from './fill/vector-flights.js';
import { Inputs } from './inputs.js';
import type { LookupPlan, LookupPlanner } from './lookup/plan.js';
import { inInputOrder } from './lookup/vector-copies.js';
import { type Found, VectorLookup } from './lookup/vector-lookup.js';
import { Namespace, type NamespaceContext } from './namespace.js';
import { type EmbeddingsOptions, embeddingsSchema } from './options.js';
import { VectorEncoder } from './vector-encoder.js';

/** Options of one `embed`. */
export interface EmbedCallOptions {
  /**
   * Ends the wait, with the signal's reason. The model's call is aborted when nobody else waits for
   * it.
   */
  signal?: AbortSignal | undefined;
  /** The TTL of what is computed now. @default the namespace's */
  ttl?: Ttl | undefined;
  /**
   * Called once with what the cache had, before the rest is waited for: 1 for each input that it
   * had, 0 for the others, in their order.
   */
  onLookup?: ((found: Uint8Array) => void) | undefined;
}

/**
 * The vectors of one model under one namespace. Every vector that comes out is the caller's to
 * change.
 */
export interface Embeddings<Input = string> {
  /**
   * The vectors of `inputs`, in their order: from the cache what it has, from the model the rest,
   * each distinct input once. Throws `EmbedError` naming the positions that have no vector (the
   * others are stored), never because of the cache. The array, and bytes in it, may be changed at
   * once; other objects not before the promise is settled, which is noticed and refused. A model
   * may itself call `embed`, but for what it is computing: that is a `NestedCallError`.
   */
  embed(inputs: readonly Input[], options?: EmbedCallOptions): Promise<Float32Array[]>;
  /** The same as `embed`. */
  getOrCompute(inputs: readonly Input[], options?: EmbedCallOptions): Promise<Float32Array[]>;
  get(input: Input): Promise<Float32Array | undefined>;
  /** What the cache has, in order; the model is not asked. */
  getMany(inputs: readonly Input[]): Promise<(Float32Array | undefined)[]>;
  /**
   * The same as one n x dimensions block: rows that are missing are 0, and `found` is 1 for the
   * others.
   */
  getMatrix(inputs: readonly Input[]): Promise<{ data: Float32Array; found: Uint8Array }>;
  /**
   * Stores a vector of finite numbers, not all zero as float32s, as float32 (or what `precision`
   * says). A cache that is down costs the entry, not an error. What was computed before is not
   * stored after it. Vectors may be changed at once.
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

/** What one call of `embed` asks for. */
interface Request<Input> {
  /** The call's own copy. */
  inputs: readonly Input[];
  planner: LookupPlanner;
  ttlMs: number | undefined;
  signal: AbortSignal | undefined;
  onLookup?: EmbedCallOptions['onLookup'];
}

export class EmbeddingsNamespace<Input> implements Embeddings<Input> {
  readonly #namespace: Namespace<Input>;
  readonly #inputs: Inputs<Input>;
  readonly #codec: VectorCodec;
  readonly #encoder: VectorEncoder;
  readonly #lookup: VectorLookup<Input>;
  readonly #flights: VectorFlights;
  readonly #filler: Filler<Input> | undefined;

  constructor(context: NamespaceContext, given: EmbeddingsOptions<Input>) {
    const { model, dimensions, precision, compression, profile, batchSize, concurrency, ...expiry } = checkOptions(
      embeddingsSchema,
      given,
      'options',
    );
    const identity = typeof model === 'string' ? { id: model } : model;
    const prefix = fingerprintPrefix(context.prefix, embeddingsFingerprint(identity, dimensions));
    const inputs = new Inputs(given.identify);
    const namespace = new Namespace<Input>(context, prefix, expiry, (list) => inputs.identitiesOf(list));
    this.#namespace = namespace;
    this.#inputs = inputs;
    this.#codec = createVectorCodec({
      dimensions,
      ...(precision && { precision }),
      ...(compression && { compression }),
      ...(profile && { profile }),
    });
    this.#encoder = new VectorEncoder(this.#codec, precision);
    this.#lookup = new VectorLookup(namespace, this.#codec);
    this.#flights = context.flightsOf(precision ?? 'exact');
    if (given.embed !== undefined) {
      this.#filler = new Filler({
        model: { namespace: context.recorder.namespace, id: identity.id, embed: given.embed, dimensions },
        batchSize,
        semaphore: new Semaphore(concurrency),
        flights: this.#flights,
        namespace,
        inputs,
        lookup: this.#lookup,
        writer: new FillWriter(namespace, this.#encoder),
      });
    }
  }

  async embed(inputs: readonly Input[], options: EmbedCallOptions = {}): Promise<Float32Array[]> {
    const filler = this.#filler;
    if (filler === undefined) throw new InvalidOptionError('embed', 'a function, for embed() to call', 'undefined');
    const ttlMs = this.#namespace.expiry.ofCall(options);
    // The model must be asked for what the keys were made of, whatever becomes of the caller's
    // array meanwhile.
    const own = this.#inputs.copyOf(inputs);
    const planner = this.#namespace.plannerOf(own);
    const { signal, onLookup } = options;
    signal?.throwIfAborted();
    if (own.length === 0) return [];
    return this.#namespace.store.accept(() => this.#embed(filler, { inputs: own, planner, ttlMs, signal, onLookup }));
  }

  getOrCompute(inputs: readonly Input[], options?: EmbedCallOptions): Promise<Float32Array[]> {
    return this.embed(inputs, options);
  }

  async get(input: Input): Promise<Float32Array | undefined> {
    return (await this.getMany([input]))[0];
  }

  async getMany(inputs: readonly Input[]): Promise<(Float32Array | undefined)[]> {
    const planner = this.#namespace.plannerOf(inputs);
    if (planner.inputs === 0) return [];
    const { plan, vectors } = await this.#lookup.run(planner);
    return inInputOrder(plan, vectors);
  }

  async getMatrix(inputs: readonly Input[]): Promise<{ data: Float32Array; found: Uint8Array }> {
    const planner = this.#namespace.plannerOf(inputs);
    if (planner.inputs === 0) return { data: new Float32Array(0), found: new Uint8Array(0) };
    return this.#lookup.matrix(planner);
  }

  async set(input: Input, vector: ArrayLike<number>): Promise<void> {
    await this.setMany([[input, vector]]);
  }

  async setMany(entries: readonly (readonly [Input, ArrayLike<number>])[]): Promise<void> {
    if (!Array.isArray(entries)) throw new InvalidInputError('entries', 'an array of [input, vector]', typeof entries);
    const keys = this.#namespace.keysOf(entries.map(([input]) => input));
    const vectors = entries.map(([, given], i) => {
      const { vector, problem } = takeVector(given, this.#codec.dimensions);
      if (vector === undefined)
        throw new InvalidInputError(`entries[${i}]`, 'a vector of finite numbers, not all zero', problem);
      return vector;
    });
    await this.#namespace.set(keys, this.#namespace.expiry.ofCall({}), () => this.#encoder.encode(keys, vectors));
  }

  async has(input: Input): Promise<boolean> {
    return (await this.get(input)) !== undefined;
  }

  async delete(input: Input): Promise<boolean> {
    return (await this.deleteMany([input])) > 0;
  }

  deleteMany(inputs: readonly Input[]): Promise<number> {
    return this.#namespace.deleteMany(inputs);
  }

  clear(): Promise<number> {
    return this.#namespace.clear();
  }

  keyOf(input: Input): string {
    return this.#namespace.keysOf([input])[0] as string;
  }

  /** A lookup, step by step. */
  async #embed(filler: Filler<Input>, request: Request<Input>): Promise<Float32Array[]> {
    const { signal, onLookup } = request;
    const { found, pending } = await this.#lookUpAndFill(filler, request);
    const { plan, vectors } = found;
    if (onLookup !== undefined) tellFound(onLookup, plan, vectors);
    const rest = await filler.collect({ plan, vectors, budgetMs: found.left }, pending, signal);
    if (rest.outdated.length > 0) await this.#lookUpAgain(filler, request, found, rest);
    if (rest.failed.size > 0) throw failureOf(plan, rest);
    return inInputOrder(plan, vectors as Float32Array[]);
  }

  /** Plans, reads and decodes, and joins or starts flights for what is missing. */
  async #lookUpAndFill(
    filler: Filler<Input>,
    { inputs, planner, ttlMs, signal }: Request<Input>,
  ): Promise<{ found: Found; pending: PendingFlights }> {
    // What is changed from here on is newer than what this call brings.
    const beginning = this.#namespace.store.begin();
    const lookup = this.#flights.beginLookup();
    try {
      const found = await untilAborted(this.#lookup.run(planner), signal);
      signal?.throwIfAborted();
      // Nothing waits between the end of the read and the start of the flights.
      const pending = filler.joinOrStart({ ...found, budgetMs: found.left, inputs, ttlMs, lookup, beginning });
      return { found, pending };
    } finally {
      this.#flights.endLookup(lookup);
      beginning.end();
    }
  }

  /** Looks up what flights of others could not give: it was changed since. */
  async #lookUpAgain(
    filler: Filler<Input>,
    { inputs, ttlMs, signal }: Request<Input>,
    { plan, vectors }: Found,
    rest: Rest,
  ): Promise<void> {
    const outdated = rest.outdated.map((k) => inputs[plan.firstPlaces[k] as number] as Input);
    const planner = this.#namespace.acceptedPlannerOf(outdated);
    try {
      const newer = await this.#embed(filler, { inputs: outdated, planner, ttlMs, signal });
      rest.outdated.forEach((k, i) => {
        vectors[k] = newer[i];
      });
    } catch (error) {
      if (!(error instanceof EmbedError)) throw error;
      if (rest.failed.size === 0) rest.error = error;
      for (const i of error.indices) rest.failed.add(rest.outdated[i] as number);
    }
  }
}

/** Tells the caller, once, which inputs the cache had. */
function tellFound(
  onLookup: NonNullable<EmbedCallOptions['onLookup']>,
  plan: LookupPlan,
  vectors: readonly (Float32Array | undefined)[],
): void {
  const told: unknown = onLookup(Uint8Array.from(plan.keyOfPlace, (k) => Number(vectors[k] !== undefined)));
  Promise.resolve(told).catch(() => {});
}
