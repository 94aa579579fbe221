import type { Ttl } from '../ttl.js';
import { type AnswerForm, type AnswerForms, type Form, formOf } from './answers.js';

/** Options of one `embed`. */
export interface EmbedCallOptions<Form extends AnswerForm = 'float32'> {
  /**
   * What the vectors are handed out as: `Float32Array`s, arrays of numbers, or the base64 of
   * little-endian float32s. @default 'float32'
   */
  as?: Form | undefined;
  /**
   * Asks the model for every input, and stores the answers over what is there. Where the model
   * fails, what is there stays. @default false
   */
  refresh?: boolean | undefined;
  /** Asks the model for every input; nothing is read or stored. @default false */
  bypass?: boolean | undefined;
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
  /**
   * Called once, before `embed` resolves, with the tokens that each input took when it was
   * computed, in their order: now, or when what the cache had was stored. Undefined where the model
   * did not report any.
   */
  onUsage?: ((tokens: (number | undefined)[]) => void) | undefined;
}

/**
 * The vectors of one model under one namespace. Every vector that comes out is the caller's to
 * change.
 */
export interface Embeddings<Input = string> {
  /** The length of every vector; undefined while it is still to be learned. */
  readonly dimensions: number | undefined;
  /**
   * The vectors of `inputs`, in their order: from the cache what it has, from the model the rest,
   * each distinct input once. Throws `EmbedError` naming the positions that have no vector (the
   * others are stored), never because of the cache. The array, and bytes in it, may be changed at
   * once; other objects not before the promise is settled, which is noticed and refused. A model
   * may itself call `embed`, but for what it is computing: that is a `NestedCallError`.
   */
  embed<Form extends AnswerForm = 'float32'>(
    inputs: readonly Input[],
    options?: EmbedCallOptions<Form>,
  ): Promise<AnswerForms[Form][]>;
  /** The same as `embed`. */
  getOrCompute<Form extends AnswerForm = 'float32'>(
    inputs: readonly Input[],
    options?: EmbedCallOptions<Form>,
  ): Promise<AnswerForms[Form][]>;
  get(input: Input): Promise<Float32Array | undefined>;
  /** What the cache has, in order; the model is not asked. */
  getMany(inputs: readonly Input[]): Promise<(Float32Array | undefined)[]>;
  /**
   * The same as one n x dimensions block: rows that are missing are 0, and `found` is 1 for the
   * others. Empty where the dimensions are not known yet.
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

export type EmbedAsOptions = Omit<EmbedCallOptions, 'as'>;

/** What every kind of embeddings says once: answers in their forms, and the calls for one input. */
export abstract class BatchEmbeddings<Input> implements Embeddings<Input> {
  abstract readonly dimensions: number | undefined;
  /** `embed`, with what is made of the vectors. */
  abstract embedAs<T>(inputs: readonly Input[], options: EmbedAsOptions, form: Form<T>): Promise<T[]>;
  abstract getMany(inputs: readonly Input[]): Promise<(Float32Array | undefined)[]>;
  abstract getMatrix(inputs: readonly Input[]): Promise<{ data: Float32Array; found: Uint8Array }>;
  abstract setMany(entries: readonly (readonly [Input, ArrayLike<number>])[]): Promise<void>;
  abstract deleteMany(inputs: readonly Input[]): Promise<number>;
  abstract clear(): Promise<number>;
  abstract keyOf(input: Input): string;

  async embed<Form extends AnswerForm = 'float32'>(
    inputs: readonly Input[],
    options: EmbedCallOptions<Form> = {},
  ): Promise<AnswerForms[Form][]> {
    return this.embedAs(inputs, options, formOf(options?.as));
  }

  getOrCompute<Form extends AnswerForm = 'float32'>(
    inputs: readonly Input[],
    options?: EmbedCallOptions<Form>,
  ): Promise<AnswerForms[Form][]> {
    return this.embed(inputs, options);
  }

  async get(input: Input): Promise<Float32Array | undefined> {
    return (await this.getMany([input]))[0];
  }

  async set(input: Input, vector: ArrayLike<number>): Promise<void> {
    await this.setMany([[input, vector]]);
  }

  async has(input: Input): Promise<boolean> {
    return (await this.get(input)) !== undefined;
  }

  async delete(input: Input): Promise<boolean> {
    return (await this.deleteMany([input])) > 0;
  }
}

/** `embed` with a form of our own, of whatever embeddings. */
export async function embedAs<Input, T>(
  embeddings: Embeddings<Input>,
  inputs: readonly Input[],
  options: EmbedAsOptions,
  form: Form<T>,
): Promise<T[]> {
  if ('embedAs' in embeddings) return (embeddings as BatchEmbeddings<Input>).embedAs(inputs, options, form);
  return form.of(await embeddings.embed(inputs, options));
}
