import { chunksWithin } from '../../async/chunks.js';
import type { BackendEntry } from '../../backends/backend.js';
import { BackendError } from '../../errors.js';
import { clearTimeout, performance, setTimeout } from '../../runtime.js';

/**
 * Bytes of records not yet taken by the backend above which nothing is added, nor a model called
 * for more.
 */
const MAX_BYTES = 32 * 2 ** 20;

/** Bytes of writes that wait for room, above which another one is refused. */
const MAX_WAITING_BYTES = 128 * 2 ** 20;

/**
 * How long a write waits for room while no other one ends, in milliseconds: then the backend has
 * stopped taking any.
 */
const STALL_TIMEOUT = 2_000;

/** How much one call of the backend is given, so that each has an end that can be seen. */
const CHUNK = { count: 1000, bytes: 2 * 2 ** 20 };
const sizeOf = ({ value }: BackendEntry) => ({ count: 1, bytes: value.length });

/** Writes on their way to the backend, bounded in bytes. */
export class WriteQueue {
  readonly #budget: number;
  #bytes = 0;
  #waitingBytes = 0;
  #entries = 0;
  #movedAt = 0;
  #waiting: (() => void)[] = [];

  /** @param budget how long a caller waits for room while no write ends, in milliseconds */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Entries that are on their way. */
  get entries(): number {
    return this.#entries;
  }

  /** When a write ended last, by the monotonic clock. */
  get movedAt(): number {
    return this.#movedAt;
  }

  /**
   * Waits until there is room for more, where what is under way goes on. Costs nothing where there
   * is.
   */
  room(): Promise<void> {
    return this.#roomFor(0, this.#budget);
  }

  async #roomFor(bytes: number, budget: number): Promise<void> {
    const waitingSince = performance.now();
    while (!this.#hasRoom(bytes)) {
      const stalledAt = Math.max(this.#movedAt, waitingSince) + budget;
      const left = stalledAt - performance.now();
      if (left <= 0) return;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, left);
        this.#waiting.push(resolve);
      });
      clearTimeout(timer);
    }
  }

  /**
   * Hands `entries` to `put` in chunks, one behind the other. Rejects with the first error, after
   * all were tried.
   */
  async put(entries: readonly BackendEntry[], put: (chunk: readonly BackendEntry[]) => Promise<void>): Promise<void> {
    const bytes = bytesOf(entries);
    await this.#admit(bytes);
    this.#entries += entries.length;
    const errors: unknown[] = [];
    for (const chunk of chunksWithin(entries, CHUNK, sizeOf)) {
      try {
        await put(chunk);
      } catch (error) {
        errors.push(error);
      }
      this.#ended(bytesOf(chunk), chunk.length);
    }
    if (errors.length > 0) throw errors[0];
  }

  #hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= MAX_BYTES;
  }

  /**
   * Takes room, for which a bounded number of bytes may wait. Rejects where none comes: the backend
   * has stopped taking writes.
   */
  async #admit(bytes: number): Promise<void> {
    if (!this.#hasRoom(bytes) && this.#waitingBytes + bytes <= MAX_WAITING_BYTES) {
      this.#waitingBytes += bytes;
      await this.#roomFor(bytes, STALL_TIMEOUT);
      this.#waitingBytes -= bytes;
    }
    if (!this.#hasRoom(bytes)) throw new BackendError('the backend has too much to take already');
    this.#bytes += bytes;
  }

  #ended(bytes: number, entries: number): void {
    this.#bytes -= bytes;
    this.#entries -= entries;
    this.#movedAt = performance.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }
}

export function bytesOf(entries: readonly BackendEntry[]): number {
  let sum = 0;
  for (const { value } of entries) sum += value.length;
  return sum;
}
