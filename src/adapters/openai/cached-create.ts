import { type Form, formOf } from '../../cache/answers.js';
import type { Cache } from '../../cache/cache.js';
import { type EmbedAsOptions, type EmbedCallOptions, type Embeddings, embedAs } from '../../cache/embeddings.js';
import { EmbedError } from '../../errors.js';
import { createAnswer, type EmbeddingsAnswer } from './answer.js';
import { identityOf } from './identity.js';
import { type Asker, type Item, type ModelOptions, OpenModels } from './models.js';
import { bodyFor, type EmbeddingsRequest } from './request.js';

/** What one request brings. */
export interface CreateCall extends Pick<EmbedCallOptions, 'refresh' | 'bypass' | 'ttl' | 'onLookup'> {
  /** Whose models they are, such as the base URL: part of the key. */
  provider: string;
  /** Asks the upstream with a body of the request's shape, for some of its inputs. */
  ask: (body: Record<string, unknown>, signal: AbortSignal) => Promise<unknown>;
  /** Ends the wait. The upstream's call is aborted when nobody else waits for it. */
  signal?: AbortSignal | undefined;
}

/** The vectors of a request. */
export interface Looked<T> {
  embeddings: T[];
  /** What the upstream calls the model. */
  model: string;
  /** Of all inputs; those of which nobody knows count 0. */
  tokens: number;
  /** 1 for each input that the cache had. */
  found: Uint8Array;
}

export interface Created {
  answer: EmbeddingsAnswer;
  /** How many inputs the cache had, and had not. */
  hits: number;
  misses: number;
}

/**
 * Looks the vectors of requests up, and asks the upstream for what the cache lacks. Rejects with
 * what `ask` threw, and with `EmbedError` where the upstream's answer is no embeddings. Throws
 * `InvalidOptionError`.
 */
export function cachedLookup(cache: Cache, namespace: string, options: ModelOptions = {}) {
  const models = new OpenModels(cache, namespace, options);

  return async function lookUp<T>(
    request: EmbeddingsRequest,
    { provider, ask, onLookup, ...call }: CreateCall,
    form: Form<T>,
  ): Promise<Looked<T>> {
    const opened = models.for(request, provider);
    const changes = opened.isWhole ? { dimensions: undefined } : {};
    const asker: Asker = { ask: (inputs, signal) => ask({ ...bodyFor(request, inputs), ...changes }, signal) };
    const items = request.inputs.map((input) => ({ input, identity: identityOf(input), asker }));
    let found: Uint8Array | undefined;
    let tokens = 0;
    const options: EmbedAsOptions = {
      ...call,
      onUsage: (of) => {
        tokens = of.reduce<number>((sum, own = 0) => sum + own, 0);
      },
      onLookup: (of) => {
        if (found !== undefined) return;
        found = of;
        onLookup?.(of);
      },
    };
    const embed = (embeddings: Embeddings<Item>) => embedAs(embeddings, items, options, form);
    const embeddings = await embed(opened.embeddings)
      .catch((error) => {
        if (isOthersAlone(error, asker)) return embed(opened.alone);
        throw error;
      })
      .catch((error) => {
        throw originalOf(error);
      });
    const model = opened.answered ?? request.model;
    return { embeddings, model, tokens, found: found ?? new Uint8Array(items.length) };
  };
}

/** Answers requests with what `cachedLookup` finds. */
export function cachedCreate(...given: Parameters<typeof cachedLookup>) {
  const lookUp = cachedLookup(...given);
  return async function create(request: EmbeddingsRequest, call: CreateCall): Promise<Created> {
    const form = formOf<'base64' | 'array'>(request.encoding === 'base64' ? 'base64' : 'array');
    const { embeddings, model, tokens, found } = await lookUp(request, call, form);
    const hits = found.reduce((sum, one) => sum + one, 0);
    return { answer: createAnswer(embeddings, model, tokens), hits, misses: found.length - hits };
  };
}

/**
 * Whether what failed was another request, which this one had joined or was gathered with, for a
 * reason that may be its own: its key, its other inputs or its timeout. Then this one asks once
 * more. A provider that is overloaded or broken is not asked again by everybody.
 */
function isOthersAlone(error: unknown, { failure }: Asker): boolean {
  if (failure !== undefined || !(error instanceof EmbedError) || error.original === undefined) return false;
  const { status } = (error.original ?? {}) as { status?: unknown };
  return !(typeof status === 'number' && (status === 429 || status >= 500));
}

/** What `ask` threw, or what its answer was refused for. */
function originalOf(error: unknown): unknown {
  if (!(error instanceof EmbedError)) return error;
  return error.original ?? (error.cause instanceof EmbedError ? error.cause : error);
}
