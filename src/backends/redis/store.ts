import type { Redis } from 'ioredis';
import type { BackendEntry } from '../backend.js';
import { escapeGlob } from '../glob.js';

/** What a read brought: a part of it may have failed. */
export interface RedisRead {
  records: (Uint8Array | undefined)[];
  /** What ioredis said of each part that failed. */
  failures: unknown[];
  /** Whether anything was answered at all. */
  isPartial: boolean;
}

/**
 * What `RedisBackend` asks of one server or of a cluster. Lives are whole milliseconds. Rejects with what ioredis throws, which
 * carries keys and values.
 */
export interface RedisStore {
  getMany(keys: readonly string[], signal?: AbortSignal): Promise<RedisRead>;
  /** Returns what went wrong with each entry that was not written. */
  setMany(entries: readonly BackendEntry[]): Promise<unknown[]>;
  /** Returns how many there were. */
  unlink(keys: readonly string[]): Promise<number>;
  clear(prefix: string): Promise<number>;
  ping(): Promise<void>;
}

/** Keys in one MGET or UNLINK: few enough that the server never works on one command for long. */
const KEYS_PER_COMMAND = 128;

/** What one SCAN step looks at. */
const SCAN_COUNT = 1000;

export type Reply = [error: Error | null, result?: unknown];

/** One server. */
export class SingleRedisStore implements RedisStore {
  readonly #client: Redis;

  constructor(client: Redis) {
    this.#client = client;
  }

  async getMany(keys: readonly string[]): Promise<RedisRead> {
    const chunks = chunksOf(keys);
    // Sent one behind the other without waiting, which is a pipeline; ioredis's own writes nothing until it has built everything.
    const replies = await Promise.allSettled(chunks.map((chunk) => this.#client.mgetBuffer(chunk)));
    const records = new Array<Uint8Array | undefined>(keys.length).fill(undefined);
    const failures: unknown[] = [];
    replies.forEach((reply, index) => {
      if (reply.status === 'rejected') {
        failures.push(reply.reason);
        return;
      }
      const start = index * KEYS_PER_COMMAND;
      for (let i = 0; i < reply.value.length; i++) records[start + i] = reply.value[i] ?? undefined;
    });
    return { records, failures, isPartial: failures.length < replies.length };
  }

  async setMany(entries: readonly BackendEntry[]): Promise<unknown[]> {
    const pipeline = this.#client.pipeline();
    for (const { key, value, ttlMs } of entries) {
      if (ttlMs === undefined) pipeline.set(key, viewOf(value));
      else pipeline.set(key, viewOf(value), 'PX', ttlMs);
    }
    return (await execute(pipeline)).flatMap(([error]) => error ?? []);
  }

  async unlink(keys: readonly (string | Buffer)[]): Promise<number> {
    const pipeline = this.#client.pipeline();
    for (const chunk of chunksOf(keys)) pipeline.unlink(chunk);
    return sumOf(await execute(pipeline));
  }

  async clear(prefix: string): Promise<number> {
    let count = 0;
    // ioredis puts a client's keyPrefix before the keys of commands, but not before a pattern.
    const keyPrefix = this.#client.options.keyPrefix ?? '';
    const skipped = Buffer.byteLength(keyPrefix);
    for await (const keys of scan(this.#client, keyPrefix + prefix)) {
      count += await this.unlink(skipped === 0 ? keys : keys.map((key) => key.subarray(skipped)));
    }
    return count;
  }

  async ping(): Promise<void> {
    await this.#client.ping();
  }
}

/** The keys of one server that begin with `prefix`, in steps. A key may come twice. */
export async function* scan(client: Redis, prefix: string): AsyncGenerator<Buffer[]> {
  const pattern = `${escapeGlob(prefix)}*`;
  let cursor = '0';
  do {
    const [next, keys] = await client.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
    if (keys.length > 0) yield keys;
    cursor = next.toString();
  } while (cursor !== '0');
}

/** ioredis turns what is no Buffer into text; this one is a view, not a copy. */
export function viewOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export async function execute(pipeline: ReturnType<Redis['pipeline']>): Promise<Reply[]> {
  return ((await pipeline.exec()) ?? []) as Reply[];
}

/** The sum of integer replies. Throws the first error. */
export function sumOf(replies: readonly Reply[]): number {
  let sum = 0;
  for (const [error, count] of replies) {
    if (error) throw error;
    sum += count as number;
  }
  return sum;
}

function chunksOf<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += KEYS_PER_COMMAND) {
    chunks.push(items.slice(start, start + KEYS_PER_COMMAND));
  }
  return chunks;
}
