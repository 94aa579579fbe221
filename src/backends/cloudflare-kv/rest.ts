import * as v from 'valibot';
import { KvFailure, kvReason } from './error.js';
import { type KvNamespace, type KvPage, type KvPair, type KvRead, present } from './namespace.js';

export interface RestAccess {
  baseUrl: string;
  accountId: string;
  namespaceId: string;
  token: string;
}

const valuesSchema = v.object({ values: v.record(v.string(), v.unknown()) });
const bulkSchema = v.nullish(v.object({ unsuccessful_keys: v.nullish(v.array(v.string()), []) }));
const keysSchema = v.array(v.object({ name: v.string(), metadata: v.optional(v.unknown()) }));
const pageSchema = v.nullish(v.object({ cursor: v.nullish(v.string(), '') }));
const errorsSchema = v.object({ errors: v.array(v.object({ code: v.number() })) });

/**
 * A namespace through Cloudflare's REST API. Keys travel in bodies; only a prefix and a cursor are
 * part of a URL.
 */
export class RestNamespace implements KvNamespace {
  // KV takes 10,000 in a request: with fewer each is answered well within its time.
  readonly pairsPerWrite = 1000;
  readonly keysPerRemoval = 1000;
  readonly #url: string;
  readonly #token: string;

  constructor({ baseUrl, accountId, namespaceId, token }: RestAccess) {
    this.#url = `${baseUrl.replace(/\/+$/, '')}/accounts/${accountId}/storage/kv/namespaces/${namespaceId}`;
    this.#token = token;
  }

  async read(names: string[], signal: AbortSignal): Promise<Map<string, KvRead>> {
    const answer = await this.#ask('POST', '/bulk/get', { keys: names, type: 'text', withMetadata: true }, signal);
    return present(Object.entries(shape(valuesSchema, answer.result).values));
  }

  async write(pairs: KvPair[], signal: AbortSignal): Promise<number> {
    const body = pairs.map(({ name, value, ttlSeconds, metadata }) => ({
      key: name,
      value,
      expiration_ttl: ttlSeconds,
      metadata,
    }));
    return failures(await this.#ask('PUT', '/bulk', body, signal));
  }

  async remove(names: string[], signal: AbortSignal): Promise<void> {
    const count = failures(await this.#ask('POST', '/bulk/delete', names, signal));
    if (count > 0) throw new KvFailure(`${count} keys not removed`);
  }

  async list(prefix: string, cursor: string | undefined, signal: AbortSignal): Promise<KvPage> {
    const query = new URLSearchParams({ limit: '1000', prefix });
    if (cursor !== undefined) query.set('cursor', cursor);
    const { result, result_info } = await this.#ask('GET', `/keys?${query}`, undefined, signal);
    const next = shape(pageSchema, result_info)?.cursor;
    const keys = shape(keysSchema, result);
    return next ? { keys, cursor: next } : { keys };
  }

  async #ask(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<{ result?: unknown; result_info?: unknown }> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
    let status: number;
    let text: string;
    try {
      // The API redirects nowhere, and the token goes nowhere else.
      const request = { method, headers, redirect: 'manual', signal } as const;
      const response = await fetch(
        this.#url + path,
        body === undefined ? request : { ...request, body: JSON.stringify(body) },
      );
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw new KvFailure(kvReason(error));
    }
    const answer = parse(text);
    if (status === 200 && answer?.success === true) return answer;
    const codes = v.is(errorsSchema, answer) ? answer.errors.map(({ code }) => code) : [];
    throw new KvFailure([`HTTP ${status}`, ...codes.slice(0, 3).map((code) => `code ${code}`)].join(', '), status);
  }
}

function parse(text: string): { success?: unknown; result?: unknown; result_info?: unknown } | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}

function failures({ result }: { result?: unknown }): number {
  return shape(bulkSchema, result)?.unsuccessful_keys.length ?? 0;
}

function shape<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (!result.success) throw new KvFailure('an answer that is not understood');
  return result.output;
}
