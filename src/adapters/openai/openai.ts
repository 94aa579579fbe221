import { InvalidOptionError } from '../../errors.js';
import { type CacheOrBackend, cacheOf, refuseOptions } from '../adapted.js';
import { cacheControl } from './cache-control.js';
import { cachedCreate } from './cached-create.js';
import type { StoreOptions } from './models.js';
import { overlay } from './overlay.js';
import { type EmbeddingsRequest, readRequest } from './request.js';
import { type Outcome, responsePromise } from './response-promise.js';
import { sdkError } from './sdk-errors.js';

/** A client of the openai package, or one of its shape. */
export interface EmbeddingsClient {
  baseURL?: string | undefined;
  embeddings: { create(body: never, options?: never): unknown };
}

/** Options of `withEmbeddingCache`: `cache` or `backend`, and how vectors are stored. */
export interface EmbeddingCacheOptions extends CacheOrBackend, StoreOptions {
  /** @default 'openai' */
  namespace?: string | undefined;
  /**
   * Whose models these are: part of the key. Give a name where the same models have several
   * addresses. @default the client's `baseURL`, and Azure's deployment
   */
  provider?: string | undefined;
}

interface RequestOptions extends Record<string, unknown> {
  signal?: AbortSignal | null;
}

/** What is made of the provider's call in the SDK. */
interface SdkPromise extends Promise<unknown> {
  withResponse?: () => Promise<{ data: unknown; response: Response; request_id?: string | null }>;
}

interface SdkEmbeddings {
  create(body: unknown, options?: RequestOptions): SdkPromise;
}

/** Options of a request that change neither where it goes nor what it asks for. */
const KNOWN_OPTIONS = new Set([
  'signal',
  'timeout',
  'headers',
  'maxRetries',
  'idempotencyKey',
  'fetchOptions',
  'httpAgent',
]);

/**
 * A client of the same shape whose `embeddings.create` takes from the cache what it has, and asks
 * the provider for the rest. Everything else is the client's own; `withOptions` gives a client that
 * is cached too. Errors are the SDK's. Throws `InvalidOptionError`.
 */
export function withEmbeddingCache<Client extends EmbeddingsClient>(
  client: Client,
  options: EmbeddingCacheOptions,
): Client {
  if (typeof client?.embeddings?.create !== 'function')
    throw new InvalidOptionError('client', 'a client with embeddings.create, such as new OpenAI()', typeof client);
  const { backend, cache, namespace = 'openai', provider, ...stored } = options ?? {};
  refuseOptions(stored, 'model', 'embed', 'identify', 'batchSize', 'concurrency', 'retry');
  const create = cachedCreate(cacheOf({ backend, cache }), namespace, stored);

  function wrap<T extends EmbeddingsClient>(target: T): T {
    const { embeddings } = target;
    const ask = (body: unknown, requestOptions?: RequestOptions) =>
      (embeddings as unknown as SdkEmbeddings).create(body, requestOptions);

    async function answer(request: EmbeddingsRequest, requestOptions: RequestOptions): Promise<Outcome> {
      let last: { response?: Response; request_id?: string | null } = {};
      try {
        const created = await create(request, {
          provider: provider ?? providerOf(target),
          signal: requestOptions.signal ?? undefined,
          ...cacheControl(requestOptions.headers),
          ask: async (body, signal) => {
            // As the SDK asks by itself; with a format it does not touch the answer.
            const asked = ask(
              { ...body, encoding_format: body.encoding_format || 'base64' },
              { ...requestOptions, signal },
            );
            if (asked.withResponse === undefined) return asked;
            const { data, ...rest } = await asked.withResponse();
            last = rest;
            return data;
          },
        });
        return { ...created, headers: last.response?.headers, requestId: last.request_id ?? null };
      } catch (error) {
        throw sdkError(target, error, requestOptions.signal);
      }
    }

    const cachedEmbeddings = overlay(embeddings, {
      create(body: unknown, options?: RequestOptions | null) {
        const requestOptions = options ?? {};
        const given = Object.keys(requestOptions).filter((name) => requestOptions[name] !== undefined);
        if (!given.every((name) => KNOWN_OPTIONS.has(name))) return ask(body, requestOptions);
        let request: EmbeddingsRequest | undefined;
        try {
          request = readRequest(body);
        } catch (error) {
          return responsePromise(Promise.reject(sdkError(target, error)), (data) => data);
        }
        if (request === undefined) return ask(body, requestOptions);
        return responsePromise(answer(request, requestOptions), (data) => data);
      },
    });
    return overlay(target, {
      embeddings: cachedEmbeddings,
      ...('withOptions' in target && {
        withOptions: (changed: unknown) => wrap((target.withOptions as (changed: unknown) => T)(changed)),
      }),
    });
  }

  return wrap(client);
}

/** Azure's deployments are models of their own, whatever the request calls them. */
function providerOf({ baseURL, deploymentName }: EmbeddingsClient & { deploymentName?: string }): string {
  const url = String(baseURL ?? '').replace(/\/+$/, '');
  return deploymentName === undefined ? url : `${url}/deployments/${deploymentName}`;
}
