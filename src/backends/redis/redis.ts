import type { Cluster, Redis } from 'ioredis';
import * as v from 'valibot';
import { CallTracker } from '../../async/call-tracker.js';
import { MAX_TIMER_MS } from '../../async/timeout.js';
import { BackendError, InvalidOptionError, PartialFailureError, VecstashError } from '../../errors.js';
import { checkOptions, ttlSchema } from '../../options.js';
import type { Records } from '../../records.js';
import { entryTtl, type Ttl } from '../../ttl.js';
import type {
  BackendEntry,
  BackendHealth,
  BackendLeases,
  BackendLocks,
  BackendTouch,
  CacheBackend,
  ReadContext,
} from '../backend.js';
import type { InvalidationBus } from '../bus.js';
import { leasesOver } from '../leases.js';
import { checkKeys } from '../limits.js';
import { livesOf } from '../lives.js';
import { locksOver } from '../locks.js';
import { RedisBus } from './bus.js';
import { ClusterRedisStore } from './cluster.js';
import { RedisConnection } from './connection.js';
import { redisError, redisReason } from './error.js';
import { RedisLeases } from './leases.js';
import { RedisLocks } from './locks.js';
import { type RedisStore, SingleRedisStore } from './store.js';
import { RedisTouches } from './touch.js';
import { normalizedUrl } from './url.js';

export interface RedisBackendOptions {
  /**
   * `redis://`, `rediss://` (TLS) or the path of a Unix socket.
   * @default the environment variable REDIS_URL
   */
  url?: string | undefined;
  /**
   * Your own ioredis client, `Redis` or `Cluster`, with your own settings for what is down or slow, instead of a URL. It is never
   * closed here.
   */
  client?: Redis | Cluster | undefined;
  /**
   * The channel of `bus`: instances with the same one hear of one another's changes. A user of narrow rights needs SUBSCRIBE and
   * PUBLISH and the channel (`&vecstash`).
   * @default 'vecstash'
   */
  channel?: string | undefined;
  /**
   * The life of entries that bring no own.
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
   * How long a command may take, a batch's transfer included. A connection that is silent for 2 s while it owes an answer is
   * given up anyway.
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
 * Keeps records in Redis or Valkey through ioredis 5 or 6, which is loaded where a client is to be made. The connection is
 * opened at once, in the background: a server that is down fails no constructor, every call rejects at once until it is back,
 * and the first calls wait for the first attempt. A batch is one round trip; on a cluster one for each node that holds a part of
 * it, at the same time.
 *
 * Throws `InvalidOptionError` for options it does not take, and where there is neither a URL nor a client nor REDIS_URL;
 * `BackendError` where ioredis is not installed.
 */
export class RedisBackend implements CacheBackend {
  readonly #connection: RedisConnection;
  readonly #store: RedisStore;
  readonly #touches: RedisTouches;
  readonly #ttl: number | undefined;
  readonly #calls = new CallTracker('RedisBackend');
  /** Pub/sub. Opens nothing until somebody subscribes. */
  readonly bus: InvalidationBus;
  /** Each is a key that holds its holder; ends are the server's. */
  readonly leases: BackendLeases;
  /** Each is a key of its own that holds its holder, beside the key that it locks. */
  readonly locks: BackendLocks;

  /** @param options a URL, a client or both kinds of options; nothing at all is REDIS_URL */
  constructor(options: string | Redis | Cluster | RedisBackendOptions = {}) {
    const given =
      typeof options === 'string' ? { url: options } : looksLikeClient(options) ? { client: options } : options;
    const { url, client, channel, ttl, connectTimeout, commandTimeout } = checkOptions(
      optionsSchema,
      given,
      'RedisBackend options',
    );
    this.#ttl = ttl;
    if (client && url !== undefined) throw new InvalidOptionError('url', 'no url beside a client', 'both');
    this.#connection = client
      ? RedisConnection.borrow(client)
      : RedisConnection.open(
          url === undefined ? urlOfEnvironment() : normalizedUrl(url, 'url'),
          connectTimeout,
          commandTimeout,
        );
    const used = this.#connection.client;
    this.#store = used.isCluster
      ? new ClusterRedisStore(used as Cluster)
      : new SingleRedisStore(used as Redis, client ? undefined : this.#connection.openReads());
    this.#touches = new RedisTouches(this.#store);
    this.bus = new RedisBus(this.#connection, channel);
    this.leases = leasesOver(new RedisLeases(this.#store), (call) => this.#call(call));
    const locks = new RedisLocks(this.#store, (entry) => withLife(entry, this.#ttl));
    this.locks = locksOver(locks, (call) => this.#call(call));
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.getRuns([keys], context).then((records) => records.toArray());
  }

  getRuns(runs: Iterable<readonly string[]>, context?: ReadContext): Promise<Records> {
    // Reads that have a connection of their own do not wait for the other.
    return this.#call(
      async () => {
        const { records, failures, isPartial } = await this.#store.getRuns(checked(runs), context);
        if (failures.length > 0) {
          const error = redisError(failures[0]);
          if (!context || !isPartial) throw error;
          context.onPartialFailure(error);
        }
        return records;
      },
      this.#store.canRead,
      context?.onProgress,
    );
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#call(async () => {
      checkKeys(entries.map(({ key }) => key));
      const { failures, isPartial } = await this.#store.setMany(entries.map((entry) => withLife(entry, this.#ttl)));
      if (failures.length === 0) return;
      const what = `Redis: ${failures.length} of ${entries.length} writes failed: ${redisReason(failures[0])}`;
      throw isPartial ? new PartialFailureError(what) : new BackendError(what);
    });
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#call(() => {
      checkKeys(keys);
      return this.#store.unlink(keys);
    });
  }

  clear(prefix: string): Promise<number> {
    return this.#call(() => {
      checkKeys([prefix]);
      return this.#store.clear(prefix);
    });
  }

  touchMany(entries: readonly BackendTouch[]): Promise<void> {
    return this.#call(async () => {
      const lives = livesOf(entries);
      const failures = await this.#touches.touch(lives);
      if (failures.length > 0) throw redisError(failures[0]);
    });
  }

  /** Asks the server; of a cluster every master. */
  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const start = performance.now();
      try {
        await this.#connection.ready();
        await this.#store.ping();
        return { ok: true, latencyMs: performance.now() - start };
      } catch (error) {
        const detail = error instanceof BackendError ? error.message : redisError(error).message;
        return { ok: false, latencyMs: Number.NaN, detail };
      }
    });
  }

  close(): Promise<void> {
    return this.#calls.close(() => {
      this.#store.end?.();
      return this.#connection.close();
    });
  }

  /** Runs a call on a connected client; no error of ioredis gets out. */
  #call<T>(work: () => Promise<T>, isReady = false, onProgress?: () => void): Promise<T> {
    return this.#calls.run(async () => {
      if (!isReady) await this.#connection.ready(onProgress);
      try {
        return await work();
      } catch (error) {
        throw error instanceof VecstashError ? error : redisError(error);
      }
    });
  }
}

function* checked(runs: Iterable<readonly string[]>): Generator<readonly string[]> {
  for (const keys of runs) {
    checkKeys(keys);
    yield keys;
  }
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

function withLife({ key, value, ttlMs }: BackendEntry, defaultMs: number | undefined): BackendEntry {
  const life = entryTtl(ttlMs, defaultMs);
  return life === undefined ? { key, value } : { key, value, ttlMs: life };
}

function looksLikeClient(value: unknown): value is Redis | Cluster {
  return typeof value === 'object' && value !== null && 'pipeline' in value && 'sendCommand' in value;
}
