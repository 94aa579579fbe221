import type { Cluster, Redis } from 'ioredis';
import * as v from 'valibot';
import { InvalidOptionError } from '../../errors.js';
import { checkOptions, ttlSchema } from '../../options.js';
import { MAX_TIMER_MS } from '../../runtime.js';
import type { Ttl } from '../../ttl.js';
import type { BackendLeases, BackendLocks, CacheBackend } from '../backend.js';
import type { InvalidationBus } from '../bus.js';
import { markLending } from '../lending.js';
import { DefinedBackend } from '../shell/define-backend.js';
import { RedisConnection } from './connection.js';
import { redisReason } from './error.js';
import { RedisStore } from './store.js';
import { normalizedUrl } from './url.js';

export interface RedisBackendOptions {
  /**
   * `redis://`, `rediss://` (TLS) or the path of a Unix socket.
   * @default the environment variable REDIS_URL
   */
  url?: string | undefined;
  /**
   * Your own ioredis client, `Redis` or `Cluster`, with your own settings for what is down or slow,
   * instead of a URL. It is never closed here.
   */
  client?: Redis | Cluster | undefined;
  /**
   * The channel of `bus`: instances with the same one hear of one another's changes. A user of
   * narrow rights needs SUBSCRIBE and PUBLISH and the channel (`&vecstash`).
   * @default 'vecstash'
   */
  channel?: string | undefined;
  /**
   * The TTL of entries that bring no own.
   * @default none: they stay until the server evicts them
   */
  ttl?: Ttl | undefined;
  /**
   * How long an attempt to connect may take, and how long the first calls wait for it: that is no
   * part of the cache's `readTimeout`, so that a process which starts far from its Redis does not
   * pay the model for what is cached.
   * @default 1000 (1 s)
   */
  connectTimeout?: Ttl | undefined;
  /**
   * How long a command may take, a batch's transfer included. A connection that is silent for 2 s
   * while it owes an answer is given up anyway.
   * @default 5000 (5 s)
   */
  commandTimeout?: Ttl | undefined;
}

const timerSchema = v.pipe(
  ttlSchema,
  v.transform((time) => Math.min(time, MAX_TIMER_MS)),
);

const optionsSchema = v.strictObject({
  url: v.optional(
    v.pipe(v.string('a URL'), v.regex(/^\s*(rediss?:\/\/|\/)/, 'a URL that starts with redis:// or rediss://')),
  ),
  client: v.optional(v.custom<Redis | Cluster>(looksLikeClient, 'an ioredis client, Redis or Cluster')),
  channel: v.optional(v.pipe(v.string('a name'), v.minLength(1, 'a name')), 'vecstash'),
  ttl: v.optional(ttlSchema),
  connectTimeout: v.optional(timerSchema, 1000),
  commandTimeout: v.optional(timerSchema, 5000),
});

/**
 * Keeps records in Redis or Valkey through ioredis 5 or 6, which is loaded where a client is to be
 * made. The connection is opened at once, in the background: a server that is down fails no
 * constructor, every call rejects at once until it is back, and the first calls wait for the first
 * attempt. A batch is one round trip; on a cluster one for each node that holds a part of it, at
 * the same time.
 *
 * Throws `InvalidOptionError` for options it does not take, and where there is neither a URL nor a
 * client nor REDIS_URL; `BackendError` where ioredis is not installed.
 */
export class RedisBackend extends DefinedBackend {
  /** Pub/sub. Opens nothing until somebody subscribes. */
  declare readonly bus: InvalidationBus;
  /** Each is a key that holds its holder; the server's clock counts. */
  declare readonly leases: BackendLeases;
  /** Each is a key of its own that holds its holder, beside the key that it locks. */
  declare readonly locks: BackendLocks;
  declare readonly getRuns: NonNullable<CacheBackend['getRuns']>;
  declare readonly touchMany: NonNullable<CacheBackend['touchMany']>;

  /** @param options a URL, a client or both kinds of options; nothing at all is REDIS_URL */
  constructor(options: string | Redis | Cluster | RedisBackendOptions = {}) {
    const given =
      typeof options === 'string' ? { url: options } : looksLikeClient(options) ? { client: options } : options;
    const { channel, ttl, ...access } = checkOptions(optionsSchema, given, 'RedisBackend options');
    super(new RedisStore(connectionOf(access), channel), {
      name: 'RedisBackend',
      storeName: 'Redis',
      ttl,
      // A connection keeps the order of its commands.
      ordered: false,
      takesDuplicates: true,
      reasonOf: redisReason,
    });
    // Who derives from it may do with records what they like.
    if (new.target === RedisBackend) markLending(this);
  }
}

type Access = Pick<v.InferOutput<typeof optionsSchema>, 'url' | 'client' | 'connectTimeout' | 'commandTimeout'>;

function connectionOf({ url, client, connectTimeout, commandTimeout }: Access): RedisConnection {
  if (client && url !== undefined) throw new InvalidOptionError('url', 'no url beside a client', 'both');
  if (client) return RedisConnection.borrow(client);
  const used = url === undefined ? urlOfEnvironment() : normalizedUrl(url, 'url');
  return RedisConnection.open(used, connectTimeout, commandTimeout);
}

function urlOfEnvironment(): string {
  const url = process.env.REDIS_URL;
  if (url === undefined || url === '') {
    throw new InvalidOptionError('url', 'a Redis URL here or in REDIS_URL, or a client', 'none of them');
  }
  // The same rule for a URL from the environment.
  checkOptions(optionsSchema, { url }, 'REDIS_URL');
  return normalizedUrl(url, 'REDIS_URL');
}

function looksLikeClient(value: unknown): value is Redis | Cluster {
  return typeof value === 'object' && value !== null && 'pipeline' in value && 'sendCommand' in value;
}
