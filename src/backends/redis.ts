import type { Redis } from 'ioredis';
import * as v from 'valibot';
import { BackendError, InvalidOptionError, VecstashError } from '../errors.js';
import { checkOptions, ttlSchema } from '../options.js';
import { entryTtl, type Ttl } from '../ttl.js';
import type { BackendEntry, BackendHealth, CacheBackend, ReadContext } from './backend.js';
import { checkKeys } from './limits.js';
import { OpenCalls } from './open-calls.js';
import { RedisConnection } from './redis-connection.js';
import { redisError, redisReason } from './redis-error.js';

export interface RedisBackendOptions {
  /**
   * `redis://`, `rediss://` (TLS) or the path of a Unix socket.
   * @default the environment variable REDIS_URL
   */
  url?: string;
  /** Your own ioredis client, with your own settings for what is down or slow, instead of a URL. It is never closed here. */
  client?: Redis;
  /**
   * The life of entries that bring no own.
   * @default none: they stay until the server evicts them
   */
  ttl?: Ttl;
  /**
   * How long an attempt to connect may take, and how long the first calls wait for it.
   * @default 1000 (1 s)
   */
  connectTimeout?: Ttl;
  /**
   * How long a command may take, a batch's transfer included. A connection that is silent for 2 s while it owes an answer is
   * given up anyway.
   * @default 5000 (5 s)
   */
  commandTimeout?: Ttl;
}

const optionsSchema = v.strictObject({
  url: v.optional(
    v.pipe(v.string('a URL'), v.regex(/^(rediss?:\/\/|\/)/, 'a URL that starts with redis:// or rediss://')),
  ),
  client: v.optional(v.custom<Redis>(isClient, 'an ioredis client that is no Cluster')),
  ttl: v.optional(ttlSchema),
  connectTimeout: v.optional(ttlSchema, 1000),
  commandTimeout: v.optional(ttlSchema, 5000),
});

/** Keys in one MGET or UNLINK: few enough that the server never works on one command for long. */
const KEYS_PER_COMMAND = 128;

/** What one SCAN step looks at. */
const SCAN_COUNT = 1000;

type Reply = [error: Error | null, result?: unknown];

/**
 * Keeps records in Redis or Valkey through ioredis 5 or 6, which is loaded where a client is to be made. The connection is
 * opened at once, in the background: a server that is down fails no constructor, every call rejects at once until it is back,
 * and the first calls wait for the first attempt. A batch is one round trip.
 *
 * Throws `InvalidOptionError` for options it does not take, and where there is neither a URL nor a client nor REDIS_URL;
 * `BackendError` where ioredis is not installed.
 */
export class RedisBackend implements CacheBackend {
  readonly #connection: RedisConnection;
  readonly #ttl: number | undefined;
  readonly #calls = new OpenCalls('RedisBackend');

  /** @param options a URL, a client or both kinds of options; nothing at all is REDIS_URL */
  constructor(options: string | Redis | RedisBackendOptions = {}) {
    const given =
      typeof options === 'string' ? { url: options } : looksLikeClient(options) ? { client: options } : options;
    const { url, client, ttl, connectTimeout, commandTimeout } = checkOptions(
      optionsSchema,
      given,
      'RedisBackend options',
    );
    this.#ttl = ttl;
    if (client !== undefined) {
      if (url !== undefined) throw new InvalidOptionError('url', 'no url beside a client', 'both');
      this.#connection = RedisConnection.borrow(client);
      return;
    }
    const target = url ?? process.env.REDIS_URL;
    if (target === undefined || target === '') {
      throw new InvalidOptionError('url', 'a Redis URL here or in REDIS_URL, or a client', 'none of them');
    }
    // The same rule for a URL from the environment.
    if (url === undefined) checkOptions(optionsSchema, { url: target }, 'REDIS_URL');
    this.#connection = RedisConnection.open(target, connectTimeout, commandTimeout);
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#call(async (client) => {
      checkKeys(keys);
      const chunks = chunksOf(keys);
      // Sent one behind the other without waiting, which is a pipeline; ioredis's own writes nothing until it has built everything.
      const replies = await Promise.allSettled(chunks.map((chunk) => client.mgetBuffer(chunk)));
      const failed = replies.find((reply) => reply.status === 'rejected');
      if (failed) {
        const error = redisError(failed.reason);
        if (!context || replies.every(({ status }) => status === 'rejected')) throw error;
        context.onPartialFailure(error);
      }
      const records = new Array<Uint8Array | undefined>(keys.length).fill(undefined);
      replies.forEach((reply, index) => {
        if (reply.status === 'rejected') return;
        const start = index * KEYS_PER_COMMAND;
        for (let i = 0; i < reply.value.length; i++) records[start + i] = reply.value[i] ?? undefined;
      });
      return records;
    });
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#call(async (client) => {
      checkKeys(entries.map(({ key }) => key));
      const pipeline = client.pipeline();
      for (const { key, value, ttlMs } of entries) {
        const ttl = entryTtl(ttlMs, this.#ttl);
        // ioredis turns what is no Buffer into text; this one is a view, not a copy.
        const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
        if (ttl === undefined) pipeline.set(key, bytes);
        else pipeline.set(key, bytes, 'PX', ttl);
      }
      const failures = (await execute(pipeline)).filter(([error]) => error);
      if (failures.length === 0) return;
      throw new BackendError(
        `Redis: ${failures.length} of ${entries.length} writes failed: ${redisReason(failures[0]?.[0])}`,
      );
    });
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#call((client) => {
      checkKeys(keys);
      return unlink(client, keys);
    });
  }

  clear(prefix: string): Promise<number> {
    return this.#call(async (client) => {
      checkKeys([prefix]);
      // ioredis puts a client's keyPrefix before the keys of commands, but not before a pattern.
      const keyPrefix = client.options.keyPrefix ?? '';
      const skipped = Buffer.byteLength(keyPrefix);
      const pattern = `${escapeGlob(keyPrefix + prefix)}*`;
      let count = 0;
      let cursor = '0';
      do {
        const [next, keys] = await client.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
        count += await unlink(client, skipped === 0 ? keys : keys.map((key) => key.subarray(skipped)));
        cursor = next.toString();
      } while (cursor !== '0');
      return count;
    });
  }

  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const start = performance.now();
      try {
        const client = await this.#connection.client();
        await client.ping();
        return { ok: true, latencyMs: performance.now() - start };
      } catch (error) {
        const detail = error instanceof BackendError ? error.message : redisError(error).message;
        return { ok: false, latencyMs: Number.NaN, detail };
      }
    });
  }

  close(): Promise<void> {
    return this.#calls.close(() => this.#connection.close());
  }

  /** Runs a call on a connected client; no error of ioredis gets out. */
  #call<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    return this.#calls.run(async () => {
      const client = await this.#connection.client();
      try {
        return await work(client);
      } catch (error) {
        throw error instanceof VecstashError ? error : redisError(error);
      }
    });
  }
}

async function execute(pipeline: ReturnType<Redis['pipeline']>): Promise<Reply[]> {
  return ((await pipeline.exec()) ?? []) as Reply[];
}

async function unlink(client: Redis, keys: readonly (string | Buffer)[]): Promise<number> {
  const pipeline = client.pipeline();
  for (const chunk of chunksOf(keys)) pipeline.unlink(chunk);
  let count = 0;
  for (const [error, removed] of await execute(pipeline)) {
    if (error) throw error;
    count += removed as number;
  }
  return count;
}

function chunksOf<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += KEYS_PER_COMMAND) {
    chunks.push(items.slice(start, start + KEYS_PER_COMMAND));
  }
  return chunks;
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&');
}

function looksLikeClient(value: unknown): value is Redis {
  return typeof value === 'object' && value !== null && 'pipeline' in value && 'sendCommand' in value;
}

function isClient(value: unknown): boolean {
  return looksLikeClient(value) && !value.isCluster;
}
