import type { Redis } from 'ioredis';
import { type ChunkSize, chunksOf, chunksWithin } from '../../async/chunks.js';
import { BackendError } from '../../errors.js';
import { isUint8Array } from '../../realms.js';
import { Records } from '../../records.js';
import { yieldThread } from '../../runtime.js';
import type { BackendEntry, ReadContext } from '../backend.js';
import { escapeGlob } from '../glob.js';
import { IS_CLUSTER } from './error.js';
import { FairQueue } from './fair-queue.js';
import { Link, OUT_OF_STEP, type Reply } from './link.js';
import { LockNames } from './lock-names.js';
import type { ReadConnection } from './reads.js';

/** What a read brought: a part of it may have failed. */
export interface RedisRead {
  records: Records;
  /** What ioredis said of each part that failed. */
  failures: unknown[];
  /** Whether anything was answered at all. */
  isPartial: boolean;
}

/** What a write brought. */
export interface RedisWrite {
  /** What went wrong with each entry that was not written. */
  failures: unknown[];
  /** Whether a part of the store is well. */
  isPartial: boolean;
}

/**
 * What `RedisBackend` asks of one server or of a cluster. Lives are whole milliseconds. Rejects with what ioredis throws, which
 * carries keys and values.
 */
export interface RedisStore {
  readonly lockNames: LockNames;
  /** See `CacheBackend.getRuns`. */
  getRuns(runs: Iterable<readonly string[]>, context?: ReadContext): Promise<RedisRead>;
  /** Whether reads have a connection of their own now. */
  readonly canRead: boolean;
  /** Ends the locks of its keys first. */
  setMany(entries: readonly BackendEntry[]): Promise<RedisWrite>;
  /** Ends the locks of the keys first. Returns how many keys there were. */
  unlink(keys: readonly string[]): Promise<number>;
  /** PEXPIRE GT: lives in whole milliseconds, by key. Returns each key's reply. */
  prolong(lives: ReadonlyMap<string, number>): Promise<Reply[]>;
  /**
   * Runs a script that answers with a number for each item. Rejects with the first error, after all has been answered; where only a
   * part of the store is away, answers 0 for what lies there, and tells of it.
   * @param words arguments before those of the items
   * @param onPartialFailure is told of the first error where a part of the store is well. Absent: that rejects too
   */
  script(
    text: string,
    items: readonly ScriptItem[],
    words: readonly (string | number)[],
    onPartialFailure?: (error: unknown) => void,
  ): Promise<number[]>;
  clear(prefix: string): Promise<number>;
  ping(): Promise<void>;
  /** Its backend is closed: what it guards its calls with is told of no more. */
  end?(): void;
}

export type { Reply } from './link.js';

export type Word = string | Buffer | number;

/** What a script is to do for one answer. */
export interface ScriptItem {
  /** In one slot of a cluster. */
  keys: readonly string[];
  words?: readonly Word[];
}

/** What the keys and arguments of one script may take together, in bytes, where it runs for more than one item. */
const BYTES_PER_SCRIPT = 512 * 1024;

/**
 * Keys in one MGET or UNLINK, or of one script: few enough that the server never works on one command for long, and that the first
 * records can be decoded while it is at the rest.
 */
const KEYS_PER_COMMAND = 64;

/** What one SCAN step looks at. */
const SCAN_COUNT = 1000;

/** One server. */
export class SingleRedisStore implements RedisStore {
  readonly lockNames: LockNames;
  readonly #client: Redis;
  readonly #link: Link;
  readonly #reads: ReadConnection | undefined;
  readonly #queue = new FairQueue();

  /** @param reads reads instead of the client while it can */
  constructor(client: Redis, reads?: ReadConnection) {
    this.lockNames = new LockNames(client.options.keyPrefix ?? '');
    this.#client = client;
    this.#link = Link.of(client);
    this.#reads = reads;
  }

  get canRead(): boolean {
    return this.#reads?.isReady === true;
  }

  async getRuns(runs: Iterable<readonly string[]>, context?: ReadContext): Promise<RedisRead> {
    const { signal, onPart, onProgress } = context ?? {};
    const failures: unknown[] = [];
    const parts: (Records | undefined)[] = [];
    const lengths: number[] = [];
    const pending: Promise<void>[] = [];
    const call = {};
    let count = 0;
    let answered = 0;
    let isOver = false;
    const late = () => new BackendError('Redis: no answer in time');
    const take = async (answer: Promise<Records>, place: number, first: number) => {
      try {
        const part = await answer;
        if (isOver) return;
        parts[place] = part;
        answered += 1;
        onPart?.(first, part);
      } catch (error) {
        if (!isOver) failures.push(error);
      }
    };
    const stopListening = onProgress && this.#reads?.onBytes(onProgress);
    for (const keys of runs) {
      // Sent one behind the other without waiting, which is a pipeline; ioredis's own writes nothing until it has built everything.
      for (const chunk of chunksOf(keys, KEYS_PER_COMMAND)) {
        if (!signal?.aborted) {
          const isWanted = () => !isOver;
          const answer = this.#queue.run(call, chunk.length, () => this.#mget(chunk, onProgress), isWanted, late);
          pending.push(take(answer, parts.length, count));
        }
        parts.push(undefined);
        lengths.push(chunk.length);
        count += chunk.length;
      }
      // What has come is read before the next run is made; small reads are not worth a turn.
      if (keys.length > KEYS_PER_COMMAND) await yieldThread();
    }
    (this.canRead ? this.#reads : this.#link)?.check();
    await beforeAbort(Promise.all(pending), signal);
    isOver = true;
    stopListening?.();
    this.#queue.drop(call);
    if (answered + failures.length < parts.length) failures.push(late());
    const records = Records.join(parts.map((part, i) => part ?? Records.none(lengths[i] as number)));
    return { records, failures, isPartial: answered > 0 };
  }

  async setMany(entries: readonly BackendEntry[]): Promise<RedisWrite> {
    const pipeline = this.#client.pipeline();
    const unlocks = this.#unlock(
      pipeline,
      entries.map(({ key }) => key),
    );
    for (const { key, value, ttlMs } of entries) {
      if (ttlMs === undefined) pipeline.set(key, viewOf(value));
      else pipeline.set(key, viewOf(value), 'PX', ttlMs);
    }
    const bytes = entries.reduce((sum, { value }) => sum + value.length, 0);
    const replies = await this.#link.execute(pipeline, true, bytes);
    const written = replies.slice(unlocks).flatMap(([error]) => error ?? []);
    // A record that was written although its lock may be there still can be overwritten by what is older.
    const failures = written.length > 0 ? written : replies.flatMap(([error]) => error ?? []);
    return { failures, isPartial: false };
  }

  async unlink(keys: readonly string[]): Promise<number> {
    const pipeline = this.#client.pipeline();
    const unlocks = this.#unlock(pipeline, keys);
    for (const chunk of chunksOf(keys, KEYS_PER_COMMAND)) pipeline.unlink(chunk);
    const replies = await this.#link.execute(pipeline, true);
    return sumOf(replies) - sumOf(replies.slice(0, unlocks));
  }

  prolong(lives: ReadonlyMap<string, number>): Promise<Reply[]> {
    const pipeline = this.#client.pipeline();
    for (const [key, life] of lives) pipeline.pexpire(key, life, 'GT');
    return this.#link.execute(pipeline, true);
  }

  async script(text: string, items: readonly ScriptItem[], words: readonly (string | number)[]): Promise<number[]> {
    const pipeline = this.#client.pipeline();
    const max = { count: KEYS_PER_COMMAND, bytes: BYTES_PER_SCRIPT };
    for (const part of chunksWithin(items, max, sizeOfItem)) {
      const keys = part.flatMap((item) => item.keys);
      pipeline.eval(text, keys.length, ...keys, ...words, ...part.flatMap((item) => item.words ?? []));
    }
    const bytes = items.reduce((sum, item) => sum + sizeOfItem(item).bytes, 0);
    return numbersOf(resultsOf<unknown[]>(await this.#link.execute(pipeline, true, bytes)).flat());
  }

  async clear(prefix: string): Promise<number> {
    // ioredis puts a client's keyPrefix before the keys of commands, but not before a pattern.
    const keyPrefix = this.#client.options.keyPrefix ?? '';
    const unlinked = async (names: readonly Buffer[]) => {
      const pipeline = this.#client.pipeline();
      for (const chunk of chunksOf(names, KEYS_PER_COMMAND)) {
        pipeline.unlink(chunk.map((name) => name.subarray(Buffer.byteLength(keyPrefix))));
      }
      return sumOf(await this.#link.execute(pipeline, true));
    };
    for await (const locks of scanLocks(this.#client, this.lockNames, keyPrefix + prefix)) await unlinked(locks);
    let count = 0;
    for await (const { records, locks } of scanRecords(this.#client, this.lockNames, keyPrefix + prefix)) {
      await unlinked(locks);
      count += await unlinked(records);
    }
    return count;
  }

  async ping(): Promise<void> {
    // Whoever may not ask for that has no cluster, or is told by the first read.
    const info = this.#client.info('cluster').catch(() => '');
    await this.#client.ping();
    if (/cluster_enabled:1/.test(await info)) throw new BackendError(`Redis: ${IS_CLUSTER}`);
  }

  end(): void {
    this.#reads?.close();
  }

  /** Ends the locks of keys. Returns how many commands that takes. */
  #unlock(pipeline: ReturnType<Redis['pipeline']>, keys: readonly string[]): number {
    const chunks = chunksOf(namesOf(this.lockNames, keys), KEYS_PER_COMMAND);
    for (const chunk of chunks) pipeline.unlink(chunk);
    return chunks.length;
  }

  async #mget(keys: readonly string[], onProgress: (() => void) | undefined): Promise<Records> {
    const reads = this.#reads;
    if (reads?.isReady) return reads.mget(keys);
    if (!this.#link.isReady) throw new BackendError('Redis: not connected');
    const values: unknown = await this.#link.run(() => this.#client.mgetBuffer(keys as string[]), 0, onProgress);
    if (areValues(values, keys.length)) return Records.of(values.map((value) => value ?? undefined));
    this.#link.replace();
    throw new BackendError(OUT_OF_STEP);
  }
}

function areValues(values: unknown, length: number): values is (Buffer | null)[] {
  return Array.isArray(values) && values.length === length && values.every((value) => value === null || isBytes(value));
}

function isBytes(value: unknown): boolean {
  return isUint8Array(value);
}

/** Waits for `work`, or until nobody does. */
async function beforeAbort(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) await work;
  else if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const end = () => {
        signal.removeEventListener('abort', end);
        resolve();
      };
      signal.addEventListener('abort', end);
      work.then(end, end);
    });
  }
}

/** The names of the locks on one server whose keys begin with `prefix`, in steps. Names and prefix are the server's. */
export async function* scanLocks(client: Redis, names: LockNames, prefix: string): AsyncGenerator<Buffer[]> {
  for await (const found of scan(client, names.patternFor(prefix))) {
    const locks = found.filter((name) => names.keyOf(name.toString())?.startsWith(prefix));
    if (locks.length > 0) yield locks;
  }
}

/** The keys of one server that begin with `prefix`, in steps, locks apart. A key may come twice. Keys and prefix are the server's. */
export async function* scanRecords(
  client: Redis,
  names: LockNames,
  prefix: string,
): AsyncGenerator<{ records: Buffer[]; locks: Buffer[] }> {
  for await (const found of scan(client, `${escapeGlob(prefix)}*`)) {
    const [records, locks]: [Buffer[], Buffer[]] = [[], []];
    for (const name of found) {
      const key = name.includes('lock:') ? names.keyOf(name.toString()) : undefined;
      if (key === undefined) records.push(name);
      else if (key.startsWith(prefix)) locks.push(name);
    }
    yield { records, locks };
  }
}

async function* scan(client: Redis, pattern: string): AsyncGenerator<Buffer[]> {
  let cursor = '0';
  do {
    const [next, keys] = await client.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
    if (keys.length > 0) yield keys;
    cursor = next.toString();
  } while (cursor !== '0');
}

/** The names of the locks of keys, of those that can have one. */
export function namesOf(names: LockNames, keys: readonly string[]): string[] {
  return keys.flatMap((key) => names.of(key) ?? []);
}

/** An item of a script for each key. */
export function itemsOf(keys: readonly string[]): ScriptItem[] {
  return keys.map((key) => ({ keys: [key] }));
}

function sizeOfItem({ keys, words = [] }: ScriptItem): ChunkSize {
  const bytes = [...keys, ...words].reduce<number>(
    (sum, word) => sum + (typeof word === 'number' ? 8 : word.length),
    0,
  );
  return { count: 1, bytes };
}

/** ioredis turns what is no Buffer into text; this one is a view, not a copy. */
export function viewOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
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
  return numbersOf(resultsOf(replies)).reduce((sum, count) => sum + count, 0);
}

/** Integer replies, which are text to a client with `stringNumbers`. */
export function numbersOf(results: readonly unknown[]): number[] {
  return results.map(Number);
}
