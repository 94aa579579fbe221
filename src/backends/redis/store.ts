import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Records } from '../../records.js';
import type { BackendEntry, ReadContext } from '../backend.js';
import { escapeGlob } from '../glob.js';
import type { ReadConnection } from './reads.js';

/** What a read brought: a part of it may have failed. */
export interface RedisRead {
  records: Records;
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
  /** See `CacheBackend.getRuns`. */
  getRuns(runs: Iterable<readonly string[]>, context?: ReadContext): Promise<RedisRead>;
  /** Returns what went wrong with each entry that was not written. */
  setMany(entries: readonly BackendEntry[]): Promise<unknown[]>;
  /** Returns how many there were. */
  unlink(keys: readonly string[]): Promise<number>;
  /** PEXPIRE GT: lives in whole milliseconds, by key. Returns each key's reply. */
  prolong(lives: ReadonlyMap<string, number>): Promise<Reply[]>;
  /** Runs a script that answers for each of its keys with a number. Rejects with the first error, after all has been answered. */
  script(text: string, keys: readonly string[], words: readonly (string | number)[]): Promise<number[]>;
  clear(prefix: string): Promise<number>;
  ping(): Promise<void>;
  /** Its backend is closed: what it guards its calls with is told of no more. */
  end?(): void;
}

/**
 * Keys in one MGET or UNLINK, or of one script: few enough that the server never works on one command for long, and that the first
 * records can be decoded while it is at the rest.
 */
const KEYS_PER_COMMAND = 64;

/** What one SCAN step looks at. */
const SCAN_COUNT = 1000;

export type Reply = [error: Error | null, result?: unknown];

/** One server. */
export class SingleRedisStore implements RedisStore {
  readonly #client: Redis;
  readonly #reads: ReadConnection | undefined;

  /** @param reads reads instead of the client while it can */
  constructor(client: Redis, reads?: ReadConnection) {
    this.#client = client;
    this.#reads = reads;
  }

  async getRuns(runs: Iterable<readonly string[]>, context?: ReadContext): Promise<RedisRead> {
    const failures: unknown[] = [];
    const take = async (answer: Promise<Records>, first: number, length: number) => {
      try {
        const part = await answer;
        context?.onPart?.(first, part);
        return part;
      } catch (error) {
        failures.push(error);
        return Records.none(length);
      }
    };
    const parts: Promise<Records>[] = [];
    let count = 0;
    for (const keys of runs) {
      // Sent one behind the other without waiting, which is a pipeline; ioredis's own writes nothing until it has built everything.
      for (const chunk of chunksOf(keys)) {
        parts.push(take(this.#mget(chunk), count, chunk.length));
        count += chunk.length;
      }
      // What has come is read before the next run is made; small reads are not worth a turn.
      if (keys.length > KEYS_PER_COMMAND) await nextTurn();
    }
    const records = Records.join(await Promise.all(parts));
    return { records, failures, isPartial: failures.length < parts.length };
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

  prolong(lives: ReadonlyMap<string, number>): Promise<Reply[]> {
    const pipeline = this.#client.pipeline();
    for (const [key, life] of lives) pipeline.pexpire(key, life, 'GT');
    return execute(pipeline);
  }

  async script(text: string, keys: readonly string[], words: readonly (string | number)[]): Promise<number[]> {
    const pipeline = this.#client.pipeline();
    for (const chunk of chunksOf(keys)) pipeline.eval(text, chunk.length, ...chunk, ...words);
    return resultsOf<number[]>(await execute(pipeline)).flat();
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

  end(): void {
    this.#reads?.close();
  }

  #mget(keys: readonly string[]): Promise<Records> {
    if (this.#reads?.isReady) return this.#reads.mget(keys);
    const values = this.#client.mgetBuffer(keys as string[]);
    return values.then((values) => Records.of(values.map((value) => value ?? undefined)));
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

/** What replies hold. Throws the first error. */
export function resultsOf<T>(replies: readonly Reply[]): T[] {
  return replies.map(([error, result]) => {
    if (error) throw error;
    return result as T;
  });
}

/** The sum of integer replies. Throws the first error. */
export function sumOf(replies: readonly Reply[]): number {
  return resultsOf<number>(replies).reduce((sum, count) => sum + count, 0);
}

function chunksOf<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += KEYS_PER_COMMAND) {
    chunks.push(items.slice(start, start + KEYS_PER_COMMAND));
  }
  return chunks;
}
