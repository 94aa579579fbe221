/** 'vecstash/upstash': Upstash Redis, and Vercel KV, which became Upstash Redis. */
import type { Requester } from '@upstash/redis';
import * as v from 'valibot';
import { InvalidOptionError } from '../../errors.js';
import { checkOptions, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import type { BackendLeases, BackendLimits, BackendLocks, CacheBackend } from '../backend.js';
import { DefinedBackend } from '../shell/define-backend.js';
import { credentialsOf, type EnvironmentNames, openRequester, requesterOf, type UpstashClient } from './client.js';
import { MAX_KEY_BYTES, MAX_LOCKED_BYTES } from './lock-names.js';
import { UpstashRest } from './rest.js';
import { UpstashStore } from './store.js';

export type { UpstashClient };

export interface UpstashBackendOptions {
  /**
   * The `https://` URL of the database's REST API (not the `rediss://` one).
   * @default the environment variable UPSTASH_REDIS_REST_URL, or else KV_REST_API_URL;
   *   VercelKVBackend looks for them the other way round
   */
  url?: string | undefined;
  /**
   * The token of the REST API. A read-only one is enough where nothing is written.
   * @default the environment variable UPSTASH_REDIS_REST_TOKEN, or else KV_REST_API_TOKEN, of the
   *   same pair as the URL
   */
  token?: string | undefined;
  /**
   * Your own `Redis` of @upstash/redis instead of a URL and a token, whatever it does with values.
   * Give it `responseEncoding: false`, or answers are a third larger and slow to decode. Its own
   * retries come into `requestTimeout`; where they repeat a removal, the count of it is too low.
   */
  client?: UpstashClient | undefined;
  /**
   * The TTL of entries that bring no own.
   * @default none: they stay until the database evicts them, if it does
   */
  ttl?: Ttl | undefined;
  /**
   * How long one HTTP request may take, its repetition on a lost connection included. A call whose
   * request is not answered in time ends then, with all its other requests.
   * @default 5000 (5 s)
   */
  requestTimeout?: Ttl | undefined;
}

const UPSTASH_NAMES: EnvironmentNames = ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'];
const VERCEL_NAMES: EnvironmentNames = ['KV_REST_API_URL', 'KV_REST_API_TOKEN'];

const urlSchema = v.pipe(
  v.string('a URL'),
  v.check(
    (url) => /^https?:\/\/[^\s?#@$./][^\s?#@]*$/.test(url) && URL.canParse(url),
    'the https:// URL of the REST API, with no user, query or fragment',
  ),
);
const tokenSchema = v.pipe(v.string('a token'), v.regex(/^[\x21-\x7e]+$/, 'a token of printable ASCII without spaces'));
const optionsSchema = v.strictObject({
  url: v.optional(urlSchema),
  token: v.optional(tokenSchema),
  client: v.optional(v.custom<UpstashClient>((value) => requesterOf(value) !== undefined, 'a Redis of @upstash/redis')),
  ttl: v.optional(ttlSchema),
  requestTimeout: v.optional(ttlSchema, 5000),
});

/** How large a request, and so a value, may be depends on the plan. */
const LIMITS = { keyBytes: MAX_KEY_BYTES };

/** A lock's name is longer than the key that it locks. */
const LOCK_LIMITS = { keyBytes: MAX_LOCKED_BYTES };

/** Both backends; they differ in the environment variables they look at first. */
abstract class RestBackend extends DefinedBackend {
  declare readonly limits: BackendLimits;
  /** Each is a key that holds its holder; Upstash's clock counts. */
  declare readonly leases: BackendLeases;
  /**
   * Each is a key that holds its holder, beside the key that it locks, which has at most 15,996
   * bytes; Upstash's clock counts.
   */
  declare readonly locks: BackendLocks;
  declare readonly touchMany: NonNullable<CacheBackend['touchMany']>;

  protected constructor(name: string, names: readonly EnvironmentNames[], options: UpstashBackendOptions) {
    const { requestTimeout, ttl, ...access } = checkOptions(optionsSchema, options, `${name} options`);
    const rest = new UpstashRest(accessWith(access, names), requestTimeout);
    super(new UpstashStore(rest), { name, storeName: 'Upstash', limits: LIMITS, lockLimits: LOCK_LIMITS, ttl });
  }
}

/**
 * Keeps records in Upstash Redis over its REST API, with the package @upstash/redis, which is
 * loaded where a client is to be made. Values are stored as base64. A batch is one HTTP request, or
 * several at the same time where it holds more than 1024 keys or about 1 MB to write. Nothing is
 * connected at construction.
 *
 * Throws `InvalidOptionError` for options it does not take, and where there is neither a client nor
 * a URL with its token, here or in the environment; `BackendError` where @upstash/redis is not
 * installed.
 */
export class UpstashBackend extends RestBackend {
  constructor(options: UpstashBackendOptions = {}) {
    super('UpstashBackend', [UPSTASH_NAMES, VERCEL_NAMES], options);
  }
}

/**
 * `UpstashBackend` for what was Vercel KV: it looks for KV_REST_API_URL and KV_REST_API_TOKEN
 * first, and for Upstash's own names then.
 */
export class VercelKVBackend extends RestBackend {
  constructor(options: UpstashBackendOptions = {}) {
    super('VercelKVBackend', [VERCEL_NAMES, UPSTASH_NAMES], options);
  }
}

interface Access {
  url?: string | undefined;
  token?: string | undefined;
  client?: UpstashClient | undefined;
}

function accessWith({ url, token, client }: Access, names: readonly EnvironmentNames[]): Requester {
  if (client) {
    const other = url !== undefined ? 'url' : token !== undefined ? 'token' : undefined;
    if (other) throw new InvalidOptionError(other, `no ${other} beside a client`, 'both');
    return requesterOf(client) as Requester;
  }
  const credentials = credentialsOf({ url, token }, names);
  // The same rules for what comes from the environment.
  checkOptions(optionsSchema, credentials, 'the environment');
  return openRequester(credentials.url, credentials.token);
}
