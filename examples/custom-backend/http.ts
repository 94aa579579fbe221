import type { RawContext, Ttl } from 'vecstash';
import {
  type BackendEntry,
  BackendError,
  type CacheBackend,
  defineBackend,
  type RawPage,
  type RawStore,
} from 'vecstash';

export interface HttpBackendOptions {
  /** Where the service is, such as 'https://kv.example.com/v1'. */
  url: string;
  token: string;
  /** @default none: entries stay */
  ttl?: Ttl;
  /** @default 5000 (5 s) */
  requestTimeout?: Ttl;
}

/**
 * A backend over a key-value service that speaks HTTP: one key a request, TTLs in whole seconds at best, and no count of what was
 * deleted. The shell sends 8 requests at once, bounds each, keeps TTLs to the millisecond, and counts.
 *
 *     GET | PUT | DELETE  /keys/KEY             PUT takes the TTL in the header ttl-seconds; 404: there is none
 *     GET                 /keys?prefix=&after=  { "keys": [...], "after": "..." }
 */
export class HttpStore implements RawStore {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/$/, '');
    this.#headers = { authorization: `Bearer ${token}` };
  }

  async getMany([key]: readonly string[], { signal }: RawContext): Promise<(Uint8Array | undefined)[]> {
    const response = await this.#fetch(pathOf(key), { signal });
    if (response.status === 404) {
      await response.arrayBuffer();
      return [undefined];
    }
    return [new Uint8Array(await response.arrayBuffer())];
  }

  async setMany([entry]: readonly BackendEntry[], { signal }: RawContext): Promise<void> {
    const { key, value, ttlMs } = entry as BackendEntry;
    // The service frees the space some time after the shell has stopped returning the entry.
    const headers = ttlMs === undefined ? {} : { 'ttl-seconds': String(Math.ceil(ttlMs / 1000) + 1) };
    const response = await this.#fetch(pathOf(key), { method: 'PUT', body: new Uint8Array(value), headers, signal });
    await response.arrayBuffer();
  }

  async deleteMany([key]: readonly string[], { signal }: RawContext): Promise<void> {
    const response = await this.#fetch(pathOf(key), { method: 'DELETE', signal });
    await response.arrayBuffer();
  }

  async list(prefix: string, cursor: string | undefined, { signal }: RawContext): Promise<RawPage> {
    const query = new URLSearchParams({ prefix: markOf(prefix), ...(cursor !== undefined && { after: cursor }) });
    const response = await this.#fetch(`/keys?${query}`, { signal });
    const { keys, after } = (await response.json()) as { keys: string[]; after?: string };
    return { keys: keys.map((key) => key.slice(1)), cursor: after };
  }

  async ping({ signal }: RawContext): Promise<void> {
    const response = await this.#fetch('/keys?prefix=none', { signal });
    await response.arrayBuffer();
  }

  async #fetch(path: string, request: RequestInit): Promise<Response> {
    const headers = { ...this.#headers, ...request.headers };
    const response = await fetch(this.#url + path, { ...request, headers });
    if (response.ok || response.status === 404) return response;
    await response.arrayBuffer();
    // Of vecstash: passed on as it is. Whatever fetch throws is told by its code, such as ECONNREFUSED.
    throw new BackendError(`HTTP store: status ${response.status}`);
  }
}

export function httpBackend({ url, token, ttl, requestTimeout = 5000 }: HttpBackendOptions): CacheBackend {
  return defineBackend(new HttpStore(url, token), {
    name: 'HttpBackend',
    storeName: 'HTTP store',
    limits: { keyBytes: 1024, valueBytes: 5_000_000 },
    expiry: 'shell',
    keysPerRead: 1,
    entriesPerWrite: 1,
    keysPerDelete: 1,
    concurrency: 8,
    requestTimeout,
    ttl,
  });
}

/** A URL's path may not be empty, '.' or '..', which keys may be. */
function markOf(key: string): string {
  return `~${key}`;
}

function pathOf(key = ''): string {
  return `/keys/${encodeURIComponent(markOf(key))}`;
}
