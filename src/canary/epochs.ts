import { randomUUID } from 'node:crypto';
import type { Form } from '../cache/answers.js';
import type { Cache } from '../cache/cache.js';
import { BatchEmbeddings, type EmbedAsOptions, type Embeddings, embedAs } from '../cache/embeddings.js';
import { checkPairs, Inputs } from '../cache/inputs.js';
import type { EmbeddingsOptions } from '../cache/options.js';
import type { DriftState } from './state.js';

type Entries<Input> = readonly (readonly [Input, ArrayLike<number>])[];

/**
 * The namespace of the current epoch. While nobody knows which that is (the cache could not be read
 * since the start), it is one that nobody else has: what is stored for an older model is never seen.
 */
export class EpochEmbeddings<Input> extends BatchEmbeddings<Input> {
  readonly #open: (epoch: number | string, more?: object) => Embeddings<Input>;
  readonly #state: DriftState;
  readonly #inputs: Inputs<Input>;
  /** Undefined until it was read. */
  #epoch: number | undefined;
  #current: Embeddings<Input>;
  #nobodys: Embeddings<Input> | undefined;
  #look: Promise<void> | undefined;

  /** @param first the namespace of epoch 0 */
  constructor(
    cache: Cache,
    namespace: string,
    options: EmbeddingsOptions<Input>,
    first: Embeddings<Input>,
    state: DriftState,
  ) {
    super();
    const model = typeof options.model === 'string' ? { id: options.model } : options.model;
    this.#open = (epoch, more) =>
      cache.embeddings(namespace, {
        ...options,
        model: { ...model, revision: `${model.revision ?? ''}@${epoch}` },
        ...more,
      });
    this.#state = state;
    this.#inputs = new Inputs(options.identify);
    this.#current = first;
  }

  /** Undefined where nobody knows. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  get dimensions(): number | undefined {
    return this.#current.dimensions;
  }

  /** Takes the epoch that others have begun meanwhile. Rejects where the cache could not be read. */
  look(): Promise<void> {
    this.#look ??= this.#state
      .epochFrom(this.#epoch ?? 0)
      .then((epoch) => this.enter(epoch))
      .finally(() => {
        this.#look = undefined;
      });
    return this.#look;
  }

  enter(epoch: number): void {
    if (epoch <= (this.#epoch ?? 0)) {
      this.#epoch ??= 0;
      return;
    }
    this.#epoch = epoch;
    this.#current = this.#open(epoch);
  }

  embedAs<T>(inputs: readonly Input[], options: EmbedAsOptions, form: Form<T>): Promise<T[]> {
    return this.#call(
      (to, own) => embedAs(to, own, options, form),
      inputs,
      (list) => this.#inputs.copyOf(list),
    );
  }

  getMany(inputs: readonly Input[]): Promise<(Float32Array | undefined)[]> {
    return this.#call((to, own) => to.getMany(own), inputs);
  }

  getMatrix(inputs: readonly Input[]): Promise<{ data: Float32Array; found: Uint8Array }> {
    return this.#call((to, own) => to.getMatrix(own), inputs);
  }

  setMany(entries: Entries<Input>): Promise<void> {
    return this.#call(
      (to, own) => to.setMany(own),
      entries,
      (list) => copyOfEntries(list, this.#inputs),
    );
  }

  deleteMany(inputs: readonly Input[]): Promise<number> {
    return this.#call((to, own) => to.deleteMany(own), inputs);
  }

  clear(): Promise<number> {
    return this.#current.clear();
  }

  keyOf(input: Input): string {
    return this.#current.keyOf(input);
  }

  /** Hands a call on: at once where the epoch is known, so that arguments are taken as they are. */
  async #call<List extends readonly unknown[], Result>(
    call: (to: Embeddings<Input>, list: List) => Promise<Result>,
    list: List,
    copyOf: (list: List) => List = (given) => this.#inputs.copyOf(given as never) as never,
  ): Promise<Result> {
    if (this.#epoch !== undefined) return call(this.#current, list);
    const own = copyOf(list);
    await this.look().catch(() => {});
    if (this.#epoch !== undefined) return call(this.#current, own);
    this.#nobodys ??= this.#open(randomUUID(), { ttl: '1h', adaptiveTtl: false });
    return call(this.#nobodys, own);
  }
}

/**
 * Entries as they are now. Vectors are copied whatever they are: the namespace refuses what it does
 * not take.
 */
function copyOfEntries<Input>(entries: Entries<Input>, inputs: Inputs<Input>): Entries<Input> {
  checkPairs(entries, '[input, vector]');
  const own = inputs.copyOf(entries.map(([input]) => input));
  return entries.map(([, vector], i) => [
    own[i] as Input,
    typeof vector === 'object' && vector !== null ? Array.prototype.slice.call(vector) : vector,
  ]);
}
