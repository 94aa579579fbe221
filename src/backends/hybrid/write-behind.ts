import { setTimeout as delay } from 'node:timers/promises';
import { BackendError, BackendLimitError, InvalidInputError } from '../../errors.js';
import { newId, tell } from '../../events.js';
import type { BackendEntry, CacheBackend } from '../backend.js';
import type { Touches } from '../change.js';

/** What is queued for the second tier, and what became of the rest. Counts are of entries, since the backend was made. */
export interface WriteBehindStats {
  queued: number;
  queuedBytes: number;
  written: number;
  /** Lost: the queue was full, the second tier does not take such entries, the bus was lost, or `close` could not wait. */
  dropped: number;
  /** Batches that failed and were tried again. */
  failures: number;
}

interface Queued {
  value: Uint8Array;
  /** When its life is over, by the monotonic clock. */
  expires: number | undefined;
}

/** How many entries are written to the second tier at once. */
const BATCH = 1000;

/** The pause after a batch that failed, in milliseconds; it doubles up to the longer one. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5000;

/** How long `close` tries, in milliseconds. */
const CLOSE_LIMIT = 1500;

/**
 * Writes to a backend in the background: batches, one at a time, oldest first, again and again until they are taken. Bounded in
 * bytes: when it is full, the oldest entries are dropped. A key that is written again takes its newer value.
 */
export class WriteBehindQueue {
  readonly #target: CacheBackend;
  readonly #maxBytes: number;
  readonly #onWritten: (keys: string[]) => void;
  readonly #id = newId();
  #isClosed = false;
  #queue = new Map<string, Queued>();
  /** The batch that is being written, without what was cancelled meanwhile. */
  #batch = new Map<string, Queued>();
  #writing: Promise<void> | undefined;
  #draining: Promise<void> | undefined;
  readonly #hurry = new AbortController();
  readonly #stats: WriteBehindStats = { queued: 0, queuedBytes: 0, written: 0, dropped: 0, failures: 0 };

  constructor(target: CacheBackend, maxBytes: number, onWritten: (keys: string[]) => void) {
    this.#target = target;
    this.#maxBytes = maxBytes;
    this.#onWritten = onWritten;
  }

  get stats(): WriteBehindStats {
    return { ...this.#stats, queued: this.#queue.size + this.#batch.size };
  }

  push(entries: readonly BackendEntry[]): void {
    const now = performance.now();
    for (const { key, value, ttlMs } of entries) {
      this.#remove(this.#queue, key);
      this.#queue.set(key, { value: value.slice(), expires: ttlMs === undefined ? undefined : now + ttlMs });
      this.#stats.queuedBytes += sizeOf(key, value);
    }
    for (const key of this.#queue.keys()) {
      if (this.#stats.queuedBytes <= this.#maxBytes) break;
      this.#remove(this.#queue, key);
      this.#stats.dropped += 1;
    }
    this.#told();
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
  }

  /** What is on its way to the second tier under this key. */
  get(key: string): Uint8Array | undefined {
    const queued = this.#queue.get(key) ?? this.#batch.get(key);
    if (queued === undefined) return undefined;
    return queued.expires !== undefined && queued.expires <= performance.now() ? undefined : queued.value;
  }

  /**
   * Lets what is queued live longer. Resolves when what was being written under these keys has been: who touches it in the second
   * tier finds it there then.
   */
  async touch(lives: ReadonlyMap<string, number>): Promise<void> {
    const now = performance.now();
    let isUnderWay = false;
    for (const [key, life] of lives) {
      const underWay = this.#batch.get(key);
      isUnderWay ||= underWay !== undefined;
      for (const queued of [this.#queue.get(key), underWay]) {
        if (queued?.expires !== undefined && queued.expires > now)
          queued.expires = Math.max(queued.expires, now + life);
      }
    }
    if (isUnderWay) await this.#writing;
  }

  /** Takes back what is queued, whose keys it returns, and waits for what is being written. */
  async cancel(touches: Touches): Promise<string[]> {
    const queued = [...this.#queue.keys()].filter(touches);
    const live = queued.filter((key) => this.get(key) !== undefined);
    for (const key of queued) this.#remove(this.#queue, key);
    const underWay = [...this.#batch.keys()].filter(touches);
    for (const key of underWay) this.#remove(this.#batch, key);
    if (queued.length + underWay.length > 0) this.#told();
    if (underWay.length > 0) await this.#writing;
    return live;
  }

  /** Drops what is queued. */
  discard(): void {
    this.#stats.dropped += this.#queue.size;
    for (const key of this.#queue.keys()) this.#remove(this.#queue, key);
    this.#told();
  }

  /** Writes what is left, for a limited time. Rejects with `BackendError` where entries are lost. */
  async close(): Promise<void> {
    this.#hurry.abort();
    if (this.#draining) await Promise.race([this.#draining, delay(CLOSE_LIMIT, undefined, { ref: false })]);
    const lost = this.#queue.size + this.#batch.size;
    this.#queue.clear();
    this.#batch.clear();
    this.#stats.dropped += lost;
    this.#stats.queuedBytes = 0;
    this.#told(true);
    if (lost > 0) throw new BackendError(`closed before ${lost} entries were written to the second tier`);
  }

  async #drain(): Promise<void> {
    // What is pushed in the same turn goes together.
    await Promise.resolve();
    let pause = FIRST_PAUSE;
    let attemptsInHurry = 0;
    while (this.#queue.size > 0) {
      for (const [key, queued] of this.#queue) {
        if (this.#batch.size === BATCH) break;
        this.#queue.delete(key);
        this.#batch.set(key, queued);
      }
      const failure = await this.#write();
      if (failure === undefined) {
        pause = FIRST_PAUSE;
        continue;
      }
      this.#stats.failures += 1;
      this.#told();
      // Older than anything that is queued now, and overtaken by it.
      for (const key of this.#queue.keys()) this.#remove(this.#batch, key);
      this.#queue = new Map([...this.#batch, ...this.#queue]);
      this.#batch = new Map();
      if (this.#hurry.signal.aborted && ++attemptsInHurry === 2) return;
      await delay(this.#hurry.signal.aborted ? FIRST_PAUSE : pause, undefined, {
        signal: this.#hurry.signal,
        ref: false,
      }).catch(() => {});
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  /** Writes the batch. Returns what went wrong, where it is worth another attempt. */
  async #write(): Promise<unknown> {
    const now = performance.now();
    const entries: BackendEntry[] = [];
    for (const [key, { value, expires }] of this.#batch) {
      if (expires === undefined) entries.push({ key, value });
      else if (expires > now) entries.push({ key, value, ttlMs: expires - now });
    }
    let failure: unknown;
    let refused = 0;
    this.#writing = this.#target.setMany(entries).catch((error) => {
      // The rest of the batch is stored.
      if (error instanceof BackendLimitError) refused = error.count;
      else if (error instanceof InvalidInputError) refused = entries.length;
      else failure = error ?? new BackendError('failed');
    });
    await this.#writing;
    this.#writing = undefined;
    if (failure !== undefined) return failure;
    const keys = [...this.#batch.keys()];
    for (const key of keys) this.#remove(this.#batch, key);
    this.#stats.dropped += refused;
    this.#stats.written += entries.length - refused;
    this.#told();
    if (keys.length > 0) this.#onWritten(keys);
    return undefined;
  }

  #told(closed = false): void {
    // A batch that was given up may still end: nothing is told after the end.
    if (this.#isClosed) return;
    this.#isClosed = closed;
    tell('queue', () => ({ ...this.stats, id: this.#id, maxBytes: this.#maxBytes, closed }));
  }

  #remove(from: Map<string, Queued>, key: string): void {
    const queued = from.get(key);
    if (queued === undefined) return;
    from.delete(key);
    this.#stats.queuedBytes -= sizeOf(key, queued.value);
  }
}

function sizeOf(key: string, value: Uint8Array): number {
  return 2 * key.length + value.byteLength;
}
