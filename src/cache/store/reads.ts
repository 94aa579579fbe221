import type { Deadline } from '../../async/deadline.js';
import type { CacheBackend, ReadContext } from '../../backends/backend.js';
import { RecordSpans } from '../../record-spans.js';
import { performance } from '../../runtime.js';
import type { Sealer } from '../../sealing/seal.js';
import type { LookupPlanner } from '../lookup/plan.js';
import type { StatsRecorder } from '../stats.js';
import type { Failures } from './failures.js';
import { type BackendAnswer, ReadScheduler } from './read-scheduler.js';

/** What a read brought, and when it was asked for. */
export interface ReadAnswer {
  records: RecordSpans;
  startedAt: number;
  /** Milliseconds that are left of the read timeout; 0 where the backend failed. */
  left: number;
  /** Whether something failed, so that what is missing may be there all the same. */
  hasFailed: boolean;
}

/**
 * Reads as the cache asks for them: what fails is told of and costs misses, what is sealed is
 * opened.
 */
export class Reads {
  readonly #backend: CacheBackend;
  readonly #scheduler: ReadScheduler;
  readonly #sealer: Sealer | undefined;
  readonly #failures: Failures;

  /** @param timeout the read timeout, in milliseconds */
  constructor(backend: CacheBackend, timeout: number, sealer: Sealer | undefined, failures: Failures) {
    this.#backend = backend;
    this.#scheduler = new ReadScheduler(backend, timeout);
    this.#sealer = sealer;
    this.#failures = failures;
  }

  /** The records of `keys`; misses for whatever did not come in time. Never rejects. */
  read(keys: readonly string[], recorder: StatsRecorder): Promise<ReadAnswer> {
    return this.#read(
      (onPart) => this.#readKeys(keys, onPart),
      () => keys,
      recorder,
    );
  }

  /** The same for keys that were read before, which is no lookup of anybody's. */
  readAgain(keys: readonly string[], recorder: StatsRecorder): Promise<ReadAnswer> {
    const ask = (context: ReadContext) => this.#backend.getMany(keys, { ...context, isRepeated: true });
    return this.#read(
      () => this.#scheduler.read(ask, () => keys),
      () => keys,
      recorder,
    );
  }

  /**
   * The same for the keys that `planner` makes: where the backend can it is asked for the first
   * ones while the others are made.
   *
   * @param onPart see `ReadContext`. Sealed records are told of at the end only: each is to be
   * opened once
   */
  readPlanned(planner: LookupPlanner, recorder: StatsRecorder, onPart?: ReadContext['onPart']): Promise<ReadAnswer> {
    const getRuns = this.#backend.getRuns?.bind(this.#backend);
    const keys = () => planner.allKeys();
    if (getRuns === undefined || ReadScheduler.isSmall(planner.inputs)) {
      return this.#read((told) => this.#readKeys(keys(), told), keys, recorder, onPart);
    }
    const ask = (context: ReadContext, deadline: Deadline) => getRuns(timed(planner, deadline), context);
    return this.#read((told) => this.#scheduler.read(ask, keys, told), keys, recorder, onPart);
  }

  #readKeys(keys: readonly string[], onPart: ReadContext['onPart']): Promise<BackendAnswer> {
    if (ReadScheduler.isSmall(keys.length)) return this.#scheduler.readSmall(keys);
    return this.#scheduler.read(
      (context) => this.#backend.getMany(keys, context),
      () => keys,
      onPart,
    );
  }

  async #read(
    ask: (onPart: ReadContext['onPart']) => Promise<BackendAnswer>,
    keys: () => readonly string[],
    recorder: StatsRecorder,
    onPart?: ReadContext['onPart'],
  ): Promise<ReadAnswer> {
    const startedAt = performance.now();
    const { records, left, errors } = await ask(this.#sealer ? undefined : onPart);
    for (const error of errors) this.#failures.record('read', error, recorder);
    return { records: this.#opened(keys(), records), startedAt, left, hasFailed: errors.length > 0 };
  }

  /**
   * What does not open becomes a record of nothing, which is refused and counted; least of all may
   * it pass as it is.
   */
  #opened(keys: readonly string[], records: RecordSpans): RecordSpans {
    const sealer = this.#sealer;
    if (sealer === undefined) return records;
    const sealed = records.toArray();
    return RecordSpans.of(
      sealed.map((record, i) => record && (sealer.open(keys[i] as string, record) ?? new Uint8Array(0))),
    );
  }
}

/**
 * The same runs: what it takes to make them (large images have long digests) is not the backend's
 * time.
 */
function timed(runs: Iterable<readonly string[]>, deadline: Deadline): Iterable<readonly string[]> {
  const iterator = runs[Symbol.iterator]();
  const next = () => {
    const before = performance.now();
    const run = iterator.next();
    deadline.prolong(performance.now() - before);
    return run;
  };
  return { [Symbol.iterator]: () => ({ next }) };
}
