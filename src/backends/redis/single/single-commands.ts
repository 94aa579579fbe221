import type { Redis } from 'ioredis';
import { type ChunkSize, chunksOf, chunksWithin } from '../../../async/chunks.js';
import { BackendError } from '../../../errors.js';
import { isUint8Array } from '../../../realms.js';
import { RecordSpans } from '../../../record-spans.js';
import { yieldThread } from '../../../runtime.js';
import type { BackendEntry, BackendTouch } from '../../backend.js';
import {
  numbersOf,
  type RedisCommands,
  type RedisRead,
  type RedisReadContext,
  type RedisWrite,
  resultsOf,
  type ScriptItem,
  sumOf,
  viewOf,
} from '../commands.js';
import { IS_CLUSTER } from '../error.js';
import { Link, OUT_OF_STEP, type Reply } from '../link.js';
import { LockNames } from '../locks/lock-names.js';
import { scanLocks, scanRecords } from '../scan.js';
import { FairQueue } from './fair-queue.js';
import type { ReadConnection } from './read-connection.js';

/**
 * What the keys and arguments of one script may take together, in bytes, where it runs for more
 * than one item.
 */
const BYTES_PER_SCRIPT = 512 * 1024;

/**
 * Keys in one MGET or UNLINK, or of one script: few enough that the server never works on one
 * command for long, and that the first records can be decoded while it is at the rest.
 */
const KEYS_PER_COMMAND = 64;

/** The commands of one server. */
export class SingleCommands implements RedisCommands {
  readonly lockNames: LockNames;
  readonly #client: Redis;
  readonly #link: Link;
  readonly #reads: ReadConnection | undefined;
  readonly #queue = new FairQueue(() => this.#reads?.roundTrip ?? Number.POSITIVE_INFINITY);

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

  async getRuns(runs: Iterable<readonly string[]>, context: RedisReadContext): Promise<RedisRead> {
    const { signal, onPart, onProgress } = context;
    const failures: unknown[] = [];
    const parts: (RecordSpans | undefined)[] = [];
    const lengths: number[] = [];
    const pending: Promise<void>[] = [];
    const call = {};
    let count = 0;
    let answered = 0;
    let isOver = false;
    const late = () => new BackendError('Redis: no answer in time');
    const take = async (answer: Promise<RecordSpans>, place: number, first: number) => {
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
      // Sent one behind the other without waiting, which is a pipeline; ioredis's own writes
      // nothing until it has built everything.
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
      // What has come is read before the next run is made; a small read is not worth the wait.
      if (keys.length > KEYS_PER_COMMAND) await yieldThread();
    }
    // Behind the first commands, so that a reply too many is noticed early, and behind the last, so
    // that one too few is.
    const check = (isNeeded: boolean) => (this.canRead ? this.#reads : this.#link)?.check(isNeeded);
    check(false);
    this.#queue.whenSent(call, () => check(true));
    await beforeAbort(Promise.all(pending), signal);
    isOver = true;
    stopListening?.();
    this.#queue.drop(call);
    if (answered + failures.length < parts.length) failures.push(late());
    const records = RecordSpans.join(parts.map((part, i) => part ?? RecordSpans.none(lengths[i] as number)));
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
    // A record that was written although its lock may be there still can be overwritten by what is
    // older.
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

  extendTtls(touches: readonly BackendTouch[]): Promise<Reply[]> {
    const pipeline = this.#client.pipeline();
    for (const { key, ttlMs } of touches) pipeline.pexpire(key, ttlMs, 'GT');
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
    const chunks = chunksOf(this.lockNames.ofAll(keys), KEYS_PER_COMMAND);
    for (const chunk of chunks) pipeline.unlink(chunk);
    return chunks.length;
  }

  async #mget(keys: readonly string[], onProgress: (() => void) | undefined): Promise<RecordSpans> {
    const reads = this.#reads;
    if (reads?.isReady) return reads.mget(keys);
    if (!this.#link.isReady) throw new BackendError('Redis: not connected');
    const values: unknown = await this.#link.run(() => this.#client.mgetBuffer(keys as string[]), 0, onProgress);
    if (areValues(values, keys.length)) return RecordSpans.of(values.map((value) => value ?? undefined));
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

function sizeOfItem({ keys, words = [] }: ScriptItem): ChunkSize {
  const bytes = [...keys, ...words].reduce<number>(
    (sum, word) => sum + (typeof word === 'number' ? 8 : word.length),
    0,
  );
  return { count: 1, bytes };
}
