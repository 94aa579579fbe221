import { Semaphore } from '../async/semaphore.js';
import { LentMemory } from '../codec/lent-memory.js';
import { InvalidInputError, InvalidOptionError } from '../errors.js';
import { embeddingsFingerprint } from '../keys/fingerprint.js';
import { fingerprintPrefix } from '../keys/key.js';
import { checkOptions } from '../options.js';
import type { Form } from './answers.js';
import { checkCallOptions } from './call-options.js';
import { EmbedPipeline } from './embed.js';
import { BatchEmbeddings, type EmbedAsOptions } from './embeddings.js';
import { FillWriter } from './fill/fill-writer.js';
import { failureOf } from './fill/filler.js';
import { limitOf } from './fill/rate-limit.js';
import { takeVector } from './fill/taken-vectors.js';
import { estimateTokens } from './fill/usage.js';
import { Gathering } from './gathering.js';
import { checkPairs, Inputs } from './inputs.js';
import { type LookupPlan, ofPlaces } from './lookup/plan.js';
import { inInputOrder } from './lookup/vector-copies.js';
import { type Found, VectorLookup } from './lookup/vector-lookup.js';
import { Namespace, type NamespaceContext } from './namespace.js';
import { NamespaceCodec } from './namespace-codec.js';
import { type EmbeddingsOptions, embeddingsSchema } from './options.js';
import { VectorEncoder } from './vector-encoder.js';

/** The vectors of one model in the store. */
export class EmbeddingsNamespace<Input> extends BatchEmbeddings<Input> {
  readonly #namespace: Namespace<Input>;
  readonly #inputs: Inputs<Input>;
  readonly #codec: NamespaceCodec;
  readonly #encoder: VectorEncoder;
  readonly #lookup: VectorLookup<Input>;
  /** Undefined where there is no model. */
  readonly #pipeline: Pick<EmbedPipeline<Input>, 'run'> | undefined;

  constructor(context: NamespaceContext, given: EmbeddingsOptions<Input>) {
    super();
    const { model, dimensions, precision, compression, profile, ttl, adaptiveTtl, ...calls } = checkOptions(
      embeddingsSchema,
      given,
      'options',
    );
    if (profile !== undefined && dimensions === undefined)
      throw new InvalidOptionError('dimensions', 'the dimensions of the profile, which cannot be learned', 'undefined');
    const identity = typeof model === 'string' ? { id: model } : model;
    const prefix = fingerprintPrefix(context.prefix, embeddingsFingerprint(identity, dimensions ?? 0));
    const inputs = new Inputs(given.identify);
    const namespace = new Namespace<Input>(context, prefix, { ttl, adaptiveTtl }, (list) => inputs.identitiesOf(list));
    const codec = new NamespaceCodec({ dimensions, precision, compression, profile });
    this.#namespace = namespace;
    this.#inputs = inputs;
    this.#codec = codec;
    this.#encoder = new VectorEncoder(codec, precision);
    this.#lookup = new VectorLookup(namespace, codec);
    if (given.embed === undefined) return;
    const { batchSize, concurrency, retry, gather } = calls;
    const { countTokens = estimateTokens } = given.rateLimit ?? {};
    const pipeline = new EmbedPipeline<Input>({
      model: {
        namespace: context.recorder.namespace,
        id: identity.id,
        embed: given.embed,
        codec,
        retry,
        limit: given.rateLimit && limitOf(given.rateLimit),
        countTokens,
      },
      batchSize,
      semaphore: new Semaphore(concurrency),
      flights: context.flightsOf(precision ?? 'exact'),
      namespace,
      inputs,
      lookup: this.#lookup,
      writer: new FillWriter(namespace, this.#encoder),
    });
    this.#pipeline = gather ? new Gathering(pipeline, gather) : pipeline;
  }

  get dimensions(): number | undefined {
    return this.#codec.dimensions;
  }

  async embedAs<T>(inputs: readonly Input[], options: EmbedAsOptions, form: Form<T>): Promise<T[]> {
    const pipeline = this.#pipeline;
    if (pipeline === undefined) throw new InvalidOptionError('embed', 'a function, for embed() to call', 'undefined');
    checkCallOptions(options);
    const { signal, refresh = false, bypass = false, onLookup, onUsage } = options;
    const ttlMs = this.#namespace.expiry.ofCall(options);
    // The model must be asked for what the keys were made of, whatever becomes of the caller's
    // array meanwhile.
    const own = this.#inputs.copyOf(inputs);
    const planner = this.#namespace.plannerOf(own);
    signal?.throwIfAborted();
    if (own.length === 0) return [];
    const onFound = onLookup && (({ plan, vectors }: Found) => tellFound(onLookup, plan, vectors));
    const wantsTokens = onUsage !== undefined;
    const memory = form.keepsVectors ? undefined : new LentMemory();
    const request = { inputs: own, planner, ttlMs, signal, refresh, bypass, wantsTokens, memory, onFound };
    let isOver = false;
    try {
      const { plan, vectors, tokens, failed } = await this.#namespace.store.accept(() => pipeline.run(request));
      if (failed.size > 0) throw failureOf(plan, failed);
      if (onUsage) report(onUsage, ofPlaces(plan, tokens));
      const answer = form.of(inInputOrder(plan, vectors as Float32Array[]));
      isOver = true;
      return answer;
    } finally {
      memory?.end(isOver);
    }
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

  async setMany(entries: readonly (readonly [Input, ArrayLike<number>])[]): Promise<void> {
    checkPairs(entries, '[input, vector]');
    const keys = this.#namespace.keysOf(entries.map(([input]) => input));
    let { dimensions } = this.#codec;
    const vectors = entries.map(([, given], i) => {
      const { vector, problem } = takeVector(given, dimensions);
      if (vector === undefined)
        throw new InvalidInputError(`entries[${i}]`, 'a vector of finite numbers, not all zero', problem);
      dimensions = vector.length;
      return vector;
    });
    if (dimensions !== undefined) this.#codec.for(dimensions);
    await this.#namespace.set(keys, this.#namespace.expiry.ofCall({}), () => this.#encoder.encode(keys, vectors));
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
}

/** Tells the caller, once, which inputs the cache had. */
function tellFound(
  onLookup: NonNullable<EmbedAsOptions['onLookup']>,
  plan: LookupPlan,
  vectors: readonly (Float32Array | undefined)[],
): void {
  report(
    onLookup,
    Uint8Array.from(plan.keyOfPlace, (k) => Number(vectors[k] !== undefined)),
  );
}

/** Calls a listener of the caller's; one that is async may reject, which is nobody's concern here. */
function report<T>(listener: (told: T) => void, told: T): void {
  Promise.resolve(listener(told) as unknown).catch(() => {});
}
