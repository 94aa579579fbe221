import { LRUCache } from 'lru-cache';
import type { Cache } from '../../cache/cache.js';
import type { Embeddings } from '../../cache/embeddings.js';
import type { RateLimitOptions } from '../../cache/fill/rate-limit.js';
import { estimateTokens, tokensOfInputs } from '../../cache/fill/usage.js';
import { type EmbeddingsOptions, type EmbedFunction, MAX_BATCH_SIZE, MAX_CONCURRENCY } from '../../cache/options.js';
import { describeValue } from '../../describe.js';
import { InvalidOptionError } from '../../errors.js';
import type { Identity } from '../../keys/digest.js';
import { readAnswer } from './answer.js';
import { modelOf } from './identity.js';
import { DIMENSIONS, type EmbeddingsRequest, isDimensions, type RequestInput } from './request.js';

/** How requests are gathered, and their vectors stored. */
export interface StoreOptions
  extends Pick<EmbeddingsOptions, 'precision' | 'compression' | 'ttl' | 'adaptiveTtl' | 'gather'> {
  /**
   * The length of the vectors of requests that name no `dimensions` themselves. @default learned,
   * for each model: see `EmbeddingsOptions`
   */
  dimensions?: number | undefined;
  /**
   * The dimensions of the whole vectors of models, by model, that were trained to be cut short
   * (Matryoshka), such as `{ 'text-embedding-3-large': 3072 }`: a request for fewer `dimensions` is
   * answered from the whole vectors, and only those are asked for and stored. See `truncateFrom` of
   * `EmbeddingsOptions`. @default none
   */
  matryoshka?: Readonly<Record<string, number>> | undefined;
  /** How fast the provider may be asked, whatever the model. See `EmbeddingsOptions`. */
  rateLimit?: RateLimitOptions<RequestInput> | undefined;
}

export type ModelOptions = StoreOptions & Pick<EmbeddingsOptions, 'retry'>;

/** Asks the upstream of one request, and knows what that threw last for this one alone. */
export interface Asker {
  ask: (inputs: readonly RequestInput[], signal: AbortSignal) => Promise<unknown>;
  failure?: unknown;
}

/** An input, with who asks for it. */
export interface Item {
  input: RequestInput;
  identity: Identity;
  asker: Asker;
}

export interface OpenModel {
  embeddings: Embeddings<Item>;
  /** The same, whose calls are not gathered. */
  alone: Embeddings<Item>;
  /** Whether the upstream is asked for whole vectors, whatever the request's dimensions are. */
  isWhole: boolean;
  /** What the upstream calls the model, once it has answered. */
  answered: string | undefined;
}

/** Models that stay open: a caller may name any. */
const MAX_MODELS = 1000;
/** A request is never cut, and never waits for another one's: that is up to the upstream. */
const UNCUT = { batchSize: MAX_BATCH_SIZE, concurrency: MAX_CONCURRENCY };
/** What OpenAI takes at once: requests that are gathered must not become one that is refused. */
const MAX_GATHERED = 2048;

/** The models that requests name, opened when they are first asked for. */
export class OpenModels {
  readonly #open: (options: Partial<EmbeddingsOptions<Item>> & Pick<EmbeddingsOptions, 'model'>) => Embeddings<Item>;
  readonly #dimensions: number | undefined;
  readonly #gather: StoreOptions['gather'];
  readonly #matryoshka: Readonly<Record<string, number>>;
  readonly #models = new LRUCache<string, OpenModel>({ max: MAX_MODELS });

  /** Throws `InvalidOptionError`. */
  constructor(cache: Cache, namespace: string, given: ModelOptions) {
    const { matryoshka = {}, dimensions, gather, rateLimit, ...options } = given;
    const { countTokens = countOf } = rateLimit ?? {};
    const limit = rateLimit && { ...rateLimit, countTokens: ({ input }: Item) => countTokens(input) };
    this.#open = (more) => cache.embeddings<Item>(namespace, { ...options, ...UNCUT, rateLimit: limit, ...more });
    this.#dimensions = dimensions;
    this.#gather = gather;
    this.#matryoshka = matryoshka;
    // What is wrong with the options is said now, and not by the first request.
    this.#open({ model: 'checked', dimensions, gather });
    for (const [model, whole] of Object.entries(matryoshka)) {
      if (!isDimensions(whole))
        throw new InvalidOptionError(`matryoshka.${model}`, DIMENSIONS, describeValue(whole, model));
    }
  }

  /** @param provider whose model it is, such as the base URL: part of the key */
  for(request: EmbeddingsRequest, provider: string): OpenModel {
    const whole = this.#wholeOf(request);
    const { dimensions = whole ?? this.#dimensions } = request;
    const model = modelOf(request, provider);
    const id = JSON.stringify([provider, model.id, model.inputType, dimensions]);
    const known = this.#models.get(id);
    if (known !== undefined) return known;
    const truncateFrom = whole === dimensions ? undefined : whole;
    const options = {
      model,
      dimensions,
      ...(truncateFrom !== undefined && { truncateFrom }),
      identify: ({ identity }: Item) => identity,
      embed: asking((name) => {
        opened.answered = name;
      }),
    };
    const gather = this.#gather;
    const alone = this.#open(options);
    const embeddings = gather === undefined ? alone : this.#open({ ...options, gather, batchSize: MAX_GATHERED });
    const opened: OpenModel = { embeddings, alone, isWhole: whole !== undefined, answered: undefined };
    this.#models.set(id, opened);
    return opened;
  }

  /** The dimensions of a request's whole vectors, where those can be cut to what it asks for. */
  #wholeOf({ model, dimensions = 1 }: EmbeddingsRequest): number | undefined {
    const whole = Object.hasOwn(this.#matryoshka, model) ? this.#matryoshka[model] : undefined;
    return whole !== undefined && dimensions <= whole ? whole : undefined;
  }
}

function countOf(input: RequestInput): number {
  return typeof input === 'string' ? estimateTokens(input) : input.length;
}

/** Asks by the first of the items: the others are its own, or were gathered with it. */
function asking(onModel: (name: string) => void): EmbedFunction<Item> {
  return async (items, { signal, usage }) => {
    const { asker } = items[0] as Item;
    try {
      const inputs = items.map(({ input }) => input);
      const { vectors, model, tokens } = readAnswer(await asker.ask(inputs, signal), items.length);
      if (model !== undefined) onModel(model);
      // Items are no texts, whose bytes the cache would split the sum by.
      const identities = items.map(({ identity }) => identity);
      const split = tokensOfInputs(tokens, identities);
      if (split !== undefined) usage(split as number[]);
      return vectors;
    } catch (error) {
      if (items.every((item) => item.asker === asker)) asker.failure = error;
      throw error;
    }
  };
}
