import type { Cache } from '../cache/cache.js';
import type { EmbedCallOptions, Embeddings } from '../cache/embeddings.js';
import { estimateTokens, tokensOfInputs } from '../cache/fill/usage.js';
import type { EmbeddingsOptions, EmbedFunction } from '../cache/options.js';
import type { Precision } from '../codec/vectors.js';
import type { Model } from '../keys/fingerprint.js';
import type { AdaptiveTtlOptions } from '../policies/adaptive-ttl.js';
import type { Ttl } from '../ttl.js';
import type { Migration } from './migration.js';

/** What makes the vectors of one kind of input. */
export interface ServiceModel<Input> {
  /** @default 'default' */
  model?: string | Model | undefined;
  /** @default 768 */
  dimensions?: number | undefined;
  /**
   * The model itself. Without it `embedTexts` or `embedImages` is refused, and everything else
   * works.
   */
  embed?: EmbedFunction<Input> | undefined;
  /** @default 'exact' */
  precision?: Precision | undefined;
  /** @default none */
  ttl?: Ttl | undefined;
  /** See `EmbeddingsOptions`. @default false */
  adaptiveTtl?: boolean | AdaptiveTtlOptions | undefined;
  /** The most inputs that one call of `embed` is given. @default 96 */
  batchSize?: number | undefined;
  /** How many calls of `embed` may be under way at once. @default 4 */
  concurrency?: number | undefined;
  /** See `EmbeddingsOptions`, as of the two below. @default false */
  retry?: EmbeddingsOptions['retry'];
  /** @default no limit */
  rateLimit?: EmbeddingsOptions<Input>['rateLimit'];
  /** @default 0, none */
  gather?: Ttl | undefined;
}

/** The dimensions of a model that says nothing of them. */
export const DEFAULT_DIMENSIONS = 768;

/** What is known by `key`. The input itself is there wherever it may have to be embedded. */
interface Keyed<Input, Key> {
  key: Key;
  input?: Input;
}

/** The embeddings of one kind of input of a `CacheService`, by the keys that the service shows. */
export class ServiceEmbeddings<Input, Key extends string> {
  readonly #embeddings: Embeddings<Keyed<Input, Key>>;
  readonly #keysOf: (inputs: readonly Input[]) => Key[];
  readonly #migration: Migration<Input> | undefined;

  constructor(
    cache: Cache,
    namespace: string,
    { embed, model = 'default', dimensions = DEFAULT_DIMENSIONS, rateLimit, ...options }: ServiceModel<Input>,
    keysOf: (inputs: readonly Input[]) => Key[],
    migration: Migration<Input> | undefined,
  ) {
    const { countTokens = estimateTokens } = rateLimit ?? {};
    this.#keysOf = keysOf;
    this.#migration = migration;
    this.#embeddings = cache.embeddings<Keyed<Input, Key>>(namespace, {
      ...options,
      model,
      dimensions,
      identify: ({ key }) => key,
      ...(rateLimit && { rateLimit: { ...rateLimit, countTokens: ({ input }) => countTokens(input as Input) } }),
      ...(embed && {
        embed: (items, { signal, usage }) => {
          const inputs = items.map(({ input }) => input as Input);
          // The cache would split a sum by the items, which are no texts.
          return embed(inputs, { signal, usage: (tokens) => usage(tokensOfInputs(tokens, inputs) as number[]) });
        },
      }),
    });
  }

  async embedMany(inputs: readonly Input[], options?: EmbedCallOptions): Promise<Float32Array[]> {
    const keyed = this.#keyed(inputs);
    // What an older cache has need not be paid for: that costs a round trip more while there is
    // one.
    if (this.#migration) await this.getMany(inputs);
    return this.#embeddings.embed(keyed, options);
  }

  async getMany(inputs: readonly Input[]): Promise<Map<Input, Float32Array>> {
    const unique = [...new Set(inputs)];
    const keyed = this.#keyed(unique);
    const vectors = await this.#embeddings.getMany(keyed);
    const migrated = (await this.#migration?.fill(unique, vectors)) ?? [];
    if (migrated.length > 0) await this.setMany(migrated);
    return new Map(unique.flatMap((input, i) => (vectors[i] ? [[input, vectors[i]] as const] : [])));
  }

  async getByKey(key: Key): Promise<Float32Array | undefined> {
    return this.#embeddings.get({ key });
  }

  async setMany(entries: Iterable<readonly [Input, ArrayLike<number>]>): Promise<void> {
    const all = [...entries];
    const keyed = this.#keyed(all.map(([input]) => input));
    await this.#embeddings.setMany(keyed.map((item, i) => [item, all[i]?.[1] as ArrayLike<number>]));
  }

  #keyed(inputs: readonly Input[]): Keyed<Input, Key>[] {
    const keys = this.#keysOf(inputs);
    return inputs.map((input, i) => ({ key: keys[i] as Key, input }));
  }
}
