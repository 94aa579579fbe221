import { LRUCache } from 'lru-cache';
import type { Cache } from '../../cache/cache.js';
import type { Embeddings } from '../../cache/embeddings.js';
import { estimateTokens, tokensOfInputs } from '../../cache/fill/usage.js';
import { type EmbedFunction, MAX_BATCH_SIZE } from '../../cache/options.js';
import type { Model } from '../../keys/fingerprint.js';
import { type AdapterOptions, cacheOf, checkTexts, refuseOptions } from '../adapted.js';
import { sdkErrorOf } from './errors.js';
import { identityOf, itemsOf, type SortedOptions, sortOptions, withItems } from './provider-options.js';
import type { EmbedAnswer, EmbeddingModel, EmbedParams, ProviderOptions } from './types.js';

/** Options of `embeddingCache`. */
export type EmbeddingCacheOptions = AdapterOptions;

/** A middleware for `wrapEmbeddingModel` of AI SDK 6 and 7. */
export interface EmbeddingCacheMiddleware {
  readonly specificationVersion: 'v3';
  /** For `stats()`, `health()` and `close()`. */
  readonly cache: Cache;
  overrideMaxEmbeddingsPerCall(): number;
  wrapEmbed<Answer>(options: {
    doEmbed: () => PromiseLike<Answer>;
    params: EmbedParams;
    model: EmbeddingModel;
  }): Promise<Awaited<Answer>>;
}

/** One call of `embed`, or of `embedMany`. */
interface Call {
  model: EmbeddingModel;
  params: EmbedParams;
  options: SortedOptions;
  isParallel: boolean;
  /** Settles after what the model was asked last. */
  last: Promise<unknown>;
  /** What the model answered to it. */
  answers: EmbedAnswer[];
}

/** A value, with what the model has to be told for it. */
interface Value {
  value: string;
  items: unknown[];
  call: Call;
}

/** How many models, each with its options, are known at once. */
const MAX_KNOWN = 1000;

/**
 * A middleware that answers from a cache what it has, and asks the model for the rest. The key
 * holds the model's provider and id, `dimensions`, and all provider options but `user`; headers are
 * no part of it. What the model throws is passed on. `providerOptions: { vecstash: { refresh,
 * bypass, ttl } }` are those of `EmbedCallOptions`, for one call. What is refused is an
 * `InvalidArgumentError` or `InvalidResponseDataError` of the SDK; of the options it is an
 * `InvalidOptionError` too.
 */
export function embeddingCache(options: EmbeddingCacheOptions): EmbeddingCacheMiddleware {
  try {
    return middlewareOf({ ...options });
  } catch (error) {
    throw sdkErrorOf(error);
  }
}

function middlewareOf({
  namespace = 'ai-sdk',
  rateLimit,
  ...options
}: EmbeddingCacheOptions): EmbeddingCacheMiddleware {
  const { cache: own, backend, ...given } = options;
  refuseOptions(given, 'model', 'embed', 'identify');
  const cache = cacheOf({ cache: own, backend });
  const countTokens = rateLimit?.countTokens ?? estimateTokens;
  const limit = rateLimit && { ...rateLimit, countTokens: ({ value }: Value) => countTokens(value) };
  const open = (model: Model, batchSize = given.batchSize) =>
    cache.embeddings<Value>(namespace, {
      ...given,
      batchSize,
      rateLimit: limit,
      model,
      identify: ({ value, items }) => identityOf(value, items),
      embed: ask,
    });
  // What is wrong with the options is told now.
  open({ id: 'none' });

  const known = new LRUCache<string, Embeddings<Value>>({ max: MAX_KNOWN });
  async function embeddingsFor({ provider, modelId, maxEmbeddingsPerCall }: EmbeddingModel, options: SortedOptions) {
    const { key: inputType, lists } = options;
    const batchSize = given.batchSize ?? batchSizeOf(await maxEmbeddingsPerCall);
    const id = JSON.stringify([provider, modelId, inputType, lists, batchSize]);
    const embeddings = known.get(id) ?? open({ provider, id: modelId, inputType }, batchSize);
    known.set(id, embeddings);
    return embeddings;
  }

  async function answer(model: EmbeddingModel, params: EmbedParams): Promise<EmbedAnswer> {
    checkTexts(params.values, 'values');
    const values = [...params.values];
    const own: EmbedParams = { ...params, values };
    const options = await sortOptions(model, own);
    const isParallel = await model.supportsParallelCalls;
    const call: Call = { model, params: own, options, isParallel, last: Promise.resolve(), answers: [] };
    const embeddings = await embeddingsFor(model, options);
    let tokens: (number | undefined)[] = [];
    const onUsage = (told: typeof tokens) => {
      tokens = told;
    };
    const vectors = await embeddings.embed(
      values.map((value, i) => ({ value, items: itemsOf(options, i), call })),
      { ...options.own, signal: own.abortSignal, as: 'array', onUsage },
    );
    return answerOf(vectors, tokens, call.answers);
  }

  return {
    specificationVersion: 'v3',
    cache,
    // The cache is asked for all values at once; it cuts by the model's own limit what it lacks.
    overrideMaxEmbeddingsPerCall: () => Number.POSITIVE_INFINITY,
    wrapEmbed: async <Answer>({ params, model }: { params: EmbedParams; model: EmbeddingModel }) => {
      try {
        return (await answer(model, params)) as Awaited<Answer>;
      } catch (error) {
        throw sdkErrorOf(error);
      }
    },
  };
}

/** Asks the model of the call that the first value came with; the others came with it, or were gathered. */
const ask: EmbedFunction<Value> = async (inputs, { signal, usage }) => {
  const { call } = inputs[0] as Value;
  const { model, params, options, isParallel } = call;
  const values = inputs.map(({ value }) => value);
  const providerOptions = withItems(
    options,
    inputs.map(({ items }) => items),
  );
  const run = () => model.doEmbed({ ...params, values, providerOptions, abortSignal: signal });
  let answered: PromiseLike<EmbedAnswer>;
  if (isParallel) answered = run();
  else call.last = answered = call.last.then(run, run);
  const answer = await answered;
  // The cache says what is wrong with an answer that is none.
  if (answer == null) return answer;
  call.answers.push(answer);
  const tokens = tokensOfInputs(answer.usage?.tokens, values);
  if (tokens) usage(tokens as number[]);
  return answer.embeddings;
};

/** By what a model says it takes in one call; what is no number is no limit. */
function batchSizeOf(most: number | undefined): number {
  return Number.isFinite(most) ? Math.min(Math.max(Math.floor(most as number), 1), MAX_BATCH_SIZE) : MAX_BATCH_SIZE;
}

/**
 * What the model would have answered: tokens as it counted them when it was asked, and what else it
 * said to this call.
 */
function answerOf(embeddings: number[][], tokens: (number | undefined)[], answers: EmbedAnswer[]): EmbedAnswer {
  const isKnown = tokens.every((count) => count !== undefined);
  let providerMetadata: ProviderOptions | undefined;
  for (const answer of answers) {
    for (const [provider, metadata] of Object.entries(answer.providerMetadata ?? {}))
      providerMetadata = { ...providerMetadata, [provider]: { ...providerMetadata?.[provider], ...metadata } };
  }
  return {
    embeddings,
    usage: isKnown ? { tokens: (tokens as number[]).reduce((sum, count) => sum + count, 0) } : undefined,
    providerMetadata,
    response: answers[0]?.response,
    warnings: answers.flatMap(({ warnings }) => warnings ?? []),
  };
}
