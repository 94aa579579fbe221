import { attempt } from '../../async/attempt.js';
import { type Deadline, startDeadline } from '../../async/deadline.js';
import { Semaphore } from '../../async/semaphore.js';
import type { CacheBackend, ReadContext } from '../../backends/backend.js';
import { isLending } from '../../backends/lending.js';
import { BackendError } from '../../errors.js';
import { isUint8Array } from '../../realms.js';
import { keepRecords, RecordSpans, recordSpansFrom } from '../../record-spans.js';
import { setImmediate, soon } from '../../runtime.js';

/**
 * Reads of the backend that are under way at once: what comes on top waits here, and that is not
 * the backend's time.
 */
const MAX_CONCURRENT = 16;

/** The most keys of a lookup that is read together with others. */
const SMALL_LOOKUP = 64;

/** The most keys that are read together, and the bytes that they are expected to have. */
const MAX_GATHERED_KEYS = 2048;
const MAX_GATHERED_BYTES = 4 * 2 ** 20;

/** How many read timeouts an answer that is arriving may take in all. */
const MAX_TIMEOUTS = 10;

/** What a read brought. */
export interface BackendAnswer {
  records: RecordSpans;
  /** Milliseconds that are left of the read timeout; 0 where the whole read failed. */
  left: number;
  /** What went wrong with the whole or a part of it: what did not come is missing in `records`. */
  errors: unknown[];
}

/** A lookup that waits to be read together with others. */
interface Waiting {
  keys: readonly string[];
  settle(answer: BackendAnswer): void;
}

/**
 * Asks the backend for records, a limited number of times at once and for a limited time each.
 * Small lookups that come in one turn of the event loop, or wait for others to be answered, are
 * read together. Never rejects.
 */
export class ReadScheduler {
  readonly #backend: CacheBackend;
  readonly #timeout: number;
  readonly #semaphore = new Semaphore(MAX_CONCURRENT);
  #waiting: Waiting[] = [];
  #isFlushing = false;
  #gathered = 0;
  /** Bytes of a record, as they were lately. */
  #recordBytes = 1024;
  readonly #isLending: boolean;

  /** @param timeout in milliseconds */
  constructor(backend: CacheBackend, timeout: number) {
    this.#backend = backend;
    this.#timeout = timeout;
    this.#isLending = isLending(backend);
  }

  /** Whether a lookup of so many keys is read together with others. */
  static isSmall(count: number): boolean {
    return count <= SMALL_LOOKUP;
  }

  /** The records of a few keys. */
  readSmall(keys: readonly string[]): Promise<BackendAnswer> {
    return new Promise((settle) => {
      this.#waiting.push({ keys, settle });
      if (this.#isFlushing) return;
      this.#isFlushing = true;
      // Where nothing is under way nobody is waited for beyond this turn's own calls.
      if (this.#gathered === 0) soon(() => void this.#flush());
      else setImmediate(() => void this.#flush());
    });
  }

  /**
   * What `ask` brings.
   *
   * @param keys those that were asked for, once `ask` has its answer
   */
  async read(
    ask: (context: ReadContext, deadline: Deadline) => Promise<unknown>,
    keys: () => readonly string[],
    onPart?: ReadContext['onPart'],
  ): Promise<BackendAnswer> {
    return this.#semaphore.run(() => this.#ask(ask, keys, onPart));
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#semaphore.acquire().granted;
      const batch = this.#take();
      this.#gathered += 1;
      void this.#readTogether(batch).finally(() => {
        this.#gathered -= 1;
        this.#semaphore.release();
      });
    }
    this.#isFlushing = false;
  }

  /** The lookups that are read next: those that came while others were under way as well. */
  #take(): Waiting[] {
    const most = Math.min(
      MAX_GATHERED_KEYS,
      Math.max(SMALL_LOOKUP, Math.floor(MAX_GATHERED_BYTES / this.#recordBytes)),
    );
    let count = 0;
    let end = 0;
    for (; end < this.#waiting.length; end++) {
      count += (this.#waiting[end] as Waiting).keys.length;
      if (end > 0 && count > most) break;
    }
    return this.#waiting.splice(0, end);
  }

  async #readTogether(batch: readonly Waiting[]): Promise<void> {
    const [first] = batch;
    const keys = batch.length === 1 && first ? first.keys : batch.flatMap(({ keys }) => keys);
    const { records, left, errors } = await this.#ask(
      (context) => this.#backend.getRuns?.([keys], context) ?? this.#backend.getMany(keys, context),
      () => keys,
    );
    this.#learn(records);
    // None of them has the memory for itself.
    if (batch.length > 1) keepRecords(records);
    let start = 0;
    for (const { keys, settle } of batch) {
      settle({ records: records.slice(start, start + keys.length), left, errors });
      start += keys.length;
    }
  }

  #learn(records: RecordSpans): void {
    for (let place = 0; place < records.length; place++) {
      if (records.has(place)) this.#recordBytes += (records.lengthOf(place) - this.#recordBytes) / 16;
    }
  }

  async #ask(
    ask: (context: ReadContext, deadline: Deadline) => Promise<unknown>,
    keys: () => readonly string[],
    onPart?: ReadContext['onPart'],
  ): Promise<BackendAnswer> {
    const deadline = startDeadline(this.#timeout, MAX_TIMEOUTS * this.#timeout);
    const errors: unknown[] = [];
    const context: ReadContext = {
      signal: deadline.signal,
      onPartialFailure: (error) => {
        errors.push(error);
      },
      onProgress: () => deadline.progress(),
      onPart:
        onPart &&
        ((first, records) => {
          deadline.progress();
          if (!deadline.signal.aborted) onPart(first, records);
        }),
    };
    try {
      const answer = await deadline.within(attempt(() => ask(context, deadline)));
      if (answer === undefined) throw new BackendError(`no answer within ${this.#timeout} ms`);
      const records = recordsOf(answer, keys().length);
      // Somebody else's backend may have these records too.
      if (!this.#isLending) keepRecords(records);
      return { records, left: Math.min(this.#timeout, deadline.left()), errors };
    } catch (error) {
      errors.push(error);
      return { records: RecordSpans.none(keys().length), left: 0, errors };
    } finally {
      deadline.clear();
    }
  }
}

/**
 * A backend that answers something else than it was asked is not believed at all: the vectors would
 * be somebody else's.
 */
function recordsOf(answer: unknown, length: number): RecordSpans {
  if (Array.isArray(answer) && answer.length === length && answer.every(isRecord)) return RecordSpans.of(answer);
  const records = recordSpansFrom(answer);
  if (records?.length === length) return records;
  throw new BackendError('the backend did not answer with one record or undefined for each key');
}

function isRecord(value: unknown): boolean {
  return value === undefined || isUint8Array(value);
}
