import { Backoff } from '../../async/backoff.js';
import { forEachConcurrently } from '../../async/semaphore.js';
import type { Clock } from '../../clock.js';
import { copyOfBytes, copyOfText } from '../../copies.js';
import { BackendError, BackendLimitError, InvalidInputError } from '../../errors.js';
import { emit, newId } from '../../events.js';
import { clearInterval, setInterval } from '../../runtime.js';
import type { BackendEntry } from '../backend.js';
import { affects, type Change } from '../change.js';
import type { L2Writer } from './l2-writer.js';
import type { WriteBehindStats } from './options.js';
import { Waiters } from './waiters.js';

/** What is pushed together. */
export interface Push {
  entries: readonly BackendEntry[];
  /** Who has locked the keys. Undefined: they are locked when they are written. */
  holder?: string | undefined;
  /** Whether the entry may still be written, without a lock of before. */
  isSafe: () => boolean;
  /** Whether an entry that had to wait for room is still to be queued. */
  isWanted: (key: string) => boolean;
}

export interface QueueHooks {
  onWritten(keys: string[]): void;
  /** Something newer is in L2. */
  onRefused(keys: string[]): void;
}

interface Queued {
  value: Uint8Array;
  /** When it expires, by the clock. */
  expires: number | undefined;
  holder: string | undefined;
  isSafe: () => boolean;
  /** Changes of others may have been missed since it was queued: it is not read any more. */
  isHidden: boolean;
  /** It is lost unless the attempt under way stores it. */
  isDiscarded: boolean;
}

/** How many entries are written to L2 at once, and for how many holders. */
const BATCH = 1000;
const CONCURRENCY = 32;

/** After a batch that failed. */
const RETRY = { baseMs: 100, maxMs: 5000 };

/** For how long `close` goes on without anything being written, in milliseconds. */
const CLOSE_LIMIT = 1500;

/**
 * Writes to an L2 in the background: batches, one at a time, oldest first, again and again until
 * they are taken. Bounded in bytes: while it is full, whoever writes waits. A key that is written
 * again takes its newer value.
 */
export class WriteBehindQueue {
  readonly #target: L2Writer;
  readonly #maxBytes: number;
  readonly #hooks: QueueHooks;
  readonly #clock: Clock;
  readonly #waiters: Waiters;
  readonly #id = newId();
  #isClosed = false;
  #queue = new Map<string, Queued>();
  /** The batch that is being written, without what was cancelled meanwhile. */
  #batch = new Map<string, Queued>();
  #writing: Promise<void> | undefined;
  #draining: Promise<void> | undefined;
  #isInHurry = false;
  #wake = () => {};
  /** Of the dropped those that had been accepted, and that nobody has reported. */
  #lost = 0;
  readonly #stats = { queuedBytes: 0, written: 0, refused: 0, dropped: 0, failures: 0 };

  /** @param maxWait how long a write waits for room, in milliseconds */
  constructor(target: L2Writer, limits: { maxBytes: number; maxWait: number }, hooks: QueueHooks, clock: Clock) {
    this.#target = target;
    this.#maxBytes = limits.maxBytes;
    this.#hooks = hooks;
    this.#clock = clock;
    this.#waiters = new Waiters(limits.maxWait, clock);
  }

  get stats(): WriteBehindStats {
    return { queued: this.#queue.size + this.#batch.size, ...this.#stats };
  }

  /**
   * Resolves when all are queued. Rejects with `BackendError` where there was no room for some in
   * time.
   */
  async push(push: Push): Promise<void> {
    const { entries, isWanted } = push;
    let next = 0;
    const take = (): boolean => {
      for (; next < entries.length; next += 1) {
        const entry = entries[next] as BackendEntry;
        if (!isWanted(entry.key)) continue;
        const { queuedBytes } = this.#stats;
        if (queuedBytes > 0 && queuedBytes + sizeOf(entry.key, entry.value) > this.#maxBytes) break;
        this.#put(entry, push);
      }
      this.#emit();
      if (this.#queue.size > 0) this.#startDrain();
      return next === entries.length;
    };
    if (this.#waiters.isEmpty && take()) return;
    if (await this.#waiters.wait(take)) return;
    const left = entries.length - next;
    next = entries.length;
    this.#stats.dropped += left;
    this.#emit();
    throw new BackendError(
      `${left} entries not queued: the queue for L2 is full (writeBehind.maxBytes), and no room came in time`,
    );
  }

  /** What is on its way to L2 under this key. */
  get(key: string): Uint8Array | undefined {
    const queued = this.#queue.get(key) ?? this.#batch.get(key);
    return queued === undefined || queued.isHidden || isOver(queued, this.#clock.now()) ? undefined : queued.value;
  }

  /**
   * Lets what is queued live longer. Resolves when what was being written under these keys has
   * been: who touches it in L2 finds it there then.
   */
  async touch(ttls: ReadonlyMap<string, number>): Promise<void> {
    const now = this.#clock.now();
    let isUnderWay = false;
    for (const [key, ttlMs] of ttls) {
      const underWay = this.#batch.get(key);
      isUnderWay ||= underWay !== undefined;
      for (const queued of [this.#queue.get(key), underWay]) {
        if (queued?.expires !== undefined && queued.expires > now)
          queued.expires = Math.max(queued.expires, now + ttlMs);
      }
    }
    if (isUnderWay) await this.#writing;
  }

  /**
   * Takes back what a change affects, whose keys it returns, and waits for what is being written.
   */
  async cancel(change: Change): Promise<string[]> {
    const queued = keysIn(this.#queue, change);
    const underWay = keysIn(this.#batch, change);
    const live = [...new Set([...queued, ...underWay])].filter((key) => this.get(key) !== undefined);
    for (const key of queued) this.#remove(this.#queue, key);
    for (const key of underWay) this.#remove(this.#batch, key);
    if (queued.length + underWay.length > 0) this.#freed();
    if (underWay.length > 0) await this.#writing;
    return live;
  }

  /**
   * Somebody else writes these keys: what is queued without a lock is taken back, and what has one
   * is left to L2, which knows what is newer. Waits for what is being written.
   */
  async yieldTo(change: Change): Promise<void> {
    let isUnderWay = false;
    for (const map of [this.#queue, this.#batch]) {
      for (const key of keysIn(map, change)) {
        const queued = map.get(key) as Queued;
        if (queued.holder === undefined) this.#remove(map, key);
        else queued.isHidden = true;
        isUnderWay ||= map === this.#batch;
      }
    }
    this.#freed();
    if (isUnderWay) await this.#writing;
  }

  /**
   * Changes of others may have been missed: drops what is queued without a lock, and lets nobody
   * read the rest.
   */
  discard(): void {
    for (const map of [this.#queue, this.#batch]) {
      for (const [key, queued] of map) {
        queued.isHidden = true;
        if (queued.holder !== undefined) continue;
        queued.isDiscarded = true;
        if (map === this.#batch) continue;
        this.#remove(map, key);
        this.#lose(1);
      }
    }
    this.#freed();
  }

  /** No more pauses: it is to be closed. */
  hurry(): void {
    this.#isInHurry = true;
    this.#waiters.shorten(CLOSE_LIMIT);
    this.#wake();
  }

  /**
   * Writes what is left, for as long as something gets written. Rejects with `BackendError` where
   * accepted entries were lost.
   */
  async close(): Promise<void> {
    this.hurry();
    // The clock keeps no process alive, and somebody waits for this.
    const keepAlive = setInterval(() => {}, 60_000);
    if (this.#queue.size > 0) this.#startDrain();
    while (this.#draining !== undefined) {
      const { written, refused } = this.#stats;
      const pause = this.#pause(CLOSE_LIMIT);
      await Promise.race([this.#draining, pause.over]);
      pause.end();
      if (written === this.#stats.written && refused === this.#stats.refused) break;
    }
    clearInterval(keepAlive);
    this.#lose(this.#queue.size + this.#batch.size);
    this.#queue.clear();
    this.#batch.clear();
    this.#stats.queuedBytes = 0;
    this.#emit(true);
    if (this.#lost > 0) throw new BackendError(`closed before ${this.#lost} entries were written to L2`);
  }

  #put({ key, value, ttlMs }: BackendEntry, { holder, isSafe }: Push): void {
    this.#remove(this.#queue, key);
    const expires = ttlMs === undefined ? undefined : this.#clock.now() + ttlMs;
    const own = copyOfBytes(value);
    this.#queue.set(copyOfText(key), { value: own, expires, holder, isSafe, isHidden: false, isDiscarded: false });
    this.#stats.queuedBytes += sizeOf(key, value);
  }

  #startDrain(): void {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
  }

  async #drain(): Promise<void> {
    // What is pushed in the same turn goes together.
    await Promise.resolve();
    const backoff = new Backoff(RETRY);
    let attemptsInHurry = 0;
    while (this.#queue.size > 0) {
      for (const [key, queued] of this.#queue) {
        if (this.#batch.size === BATCH) break;
        this.#queue.delete(key);
        this.#batch.set(key, queued);
      }
      this.#writing = this.#write();
      await this.#writing;
      this.#writing = undefined;
      for (const [key, { isDiscarded }] of this.#batch) {
        if (!isDiscarded) continue;
        this.#remove(this.#batch, key);
        this.#lose(1);
      }
      this.#waiters.serve();
      if (this.#batch.size === 0) {
        backoff.reset();
        attemptsInHurry = 0;
        continue;
      }
      this.#stats.failures += 1;
      // Older than anything that is queued now, and overtaken by it.
      for (const key of this.#queue.keys()) this.#remove(this.#batch, key);
      this.#queue = new Map([...this.#batch, ...this.#queue]);
      this.#batch = new Map();
      this.#emit();
      if (this.#isInHurry && ++attemptsInHurry === 2) return;
      const delay = backoff.next();
      const paused = this.#pause(this.#isInHurry ? RETRY.baseMs : delay);
      this.#wake = paused.end;
      await paused.over;
    }
  }

  /** Writes the batch. What is left in it then is worth another attempt. Never rejects. */
  async #write(): Promise<void> {
    const now = this.#clock.now();
    const holders = new Map<string | undefined, [BackendEntry, Queued][]>();
    for (const [key, queued] of this.#batch) {
      const { value, expires, holder } = queued;
      if (isOver(queued, now)) {
        this.#remove(this.#batch, key);
        continue;
      }
      const entry = { key, value, ...(expires !== undefined && { ttlMs: expires - now }) };
      const group = holders.get(holder);
      if (group) group.push([entry, queued]);
      else holders.set(holder, [[entry, queued]]);
    }
    await forEachConcurrently([...holders], CONCURRENCY, ([holder, group]) => this.#writeGroup(holder, new Map(group)));
  }

  async #writeGroup(holder: string | undefined, group: Map<BackendEntry, Queued>): Promise<void> {
    const entries = [...group.keys()];
    const unsafe = new Set<BackendEntry>();
    const isWanted = (entry: BackendEntry) => {
      const { isSafe, isDiscarded } = group.get(entry) as Queued;
      if (isDiscarded || !isSafe()) unsafe.add(entry);
      return !unsafe.has(entry) && this.#batch.has(entry.key);
    };
    let stored: boolean[];
    try {
      stored = await (holder === undefined
        ? this.#target.setMany(entries, isWanted)
        : this.#target.setManyLocked(entries, holder));
    } catch (error) {
      // The rest of the batch is stored.
      const refused =
        error instanceof BackendLimitError ? error.count : error instanceof InvalidInputError ? entries.length : 0;
      if (refused === 0) return;
      this.#stats.dropped += refused;
      this.#stats.written += entries.length - refused;
      this.#settle(entries);
      this.#hooks.onWritten(entries.map(({ key }) => key));
      return;
    }
    const written = entries.filter((_, place) => stored[place]);
    const left = entries.filter((_, place) => !stored[place]);
    const lost = left.filter((entry) => unsafe.has(entry) && this.#batch.has(entry.key)).length;
    const refused = left.filter((entry) => !unsafe.has(entry) && this.#batch.has(entry.key));
    this.#lose(lost);
    this.#stats.written += written.length;
    this.#stats.refused += refused.length;
    this.#settle(entries);
    if (written.length > 0) this.#hooks.onWritten(written.map(({ key }) => key));
    if (refused.length > 0) this.#hooks.onRefused(refused.map(({ key }) => key));
  }

  #settle(entries: readonly BackendEntry[]): void {
    for (const { key } of entries) this.#remove(this.#batch, key);
    this.#emit();
  }

  #lose(count: number): void {
    this.#lost += count;
    this.#stats.dropped += count;
  }

  /** A pause that can be ended early. */
  #pause(ms: number): { over: Promise<void>; end: () => void } {
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      const stop = this.#clock.every(ms, () => end());
      end = () => {
        stop();
        resolve();
      };
    });
    return { over, end };
  }

  /** Something was taken back. */
  #freed(): void {
    this.#emit();
    this.#waiters.serve();
  }

  #emit(closed = false): void {
    // A batch that was given up may still end: nothing is emitted after the end.
    if (this.#isClosed) return;
    this.#isClosed = closed;
    emit('queue', () => ({ ...this.stats, id: this.#id, maxBytes: this.#maxBytes, closed }));
  }

  #remove(from: Map<string, Queued>, key: string): void {
    const queued = from.get(key);
    if (queued === undefined) return;
    from.delete(key);
    this.#stats.queuedBytes -= sizeOf(key, queued.value);
  }
}

function keysIn(map: ReadonlyMap<string, unknown>, change: Change): string[] {
  return 'keys' in change
    ? [...new Set(change.keys)].filter((key) => map.has(key))
    : [...map.keys()].filter(affects(change));
}

function isOver({ expires }: Queued, now: number): boolean {
  return expires !== undefined && expires <= now;
}

function sizeOf(key: string, value: Uint8Array): number {
  return 2 * key.length + value.byteLength;
}
