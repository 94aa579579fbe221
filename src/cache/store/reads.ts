import type { Deadline } from '../../async/deadline.js';
import type { CacheBackend, ReadContext } from '../../backends/backend.js';
import { Records } from '../../records.js';
import type { Sealer } from '../../sealing/seal.js';
import type { LookupPlanner } from '../lookup/plan.js';
import type { Ledger } from '../stats.js';
import { type Answer, Reads } from './read-scheduler.js';

/** What a read brought, and when it was asked for. */
export interface ReadAnswer {
  records: Records;
  startedAt: number;
  /** Milliseconds that are left of the read timeout; 0 where the backend failed. */
  left: number;
  /** Whether something failed, so that what is missing may be there all the same. */
  hasFailed: boolean;
}

/** Reads as the cache asks for them: what fails is told of and costs misses, what is sealed is opened. */
export class StoreReads {
  readonly #backend: CacheBackend;
  readonly #reads: Reads;
  readonly #sealer: Sealer | undefined;
  readonly #onFailure: (error: unknown, ledger: Ledger) => void;

  /** @param timeout the read timeout, in milliseconds */
  constructor(
    backend: CacheBackend,
    timeout: number,
    sealer: Sealer | undefined,
    onFailure: (error: unknown, ledger: Ledger) => void,
  ) {
    this.#backend = backend;
    this.#reads = new Reads(backend, timeout);
    this.#sealer = sealer;
    this.#onFailure = onFailure;
  }

  /** The records of `keys`; misses for whatever did not come in time. Never rejects. */
  read(keys: readonly string[], ledger: Ledger): Promise<ReadAnswer> {
    return this.#read(
      (onPart) => this.#readKeys(keys, onPart),
      () => keys,
      ledger,
    );
  }

  /** The same for keys that were read before, which is no lookup of anybody's. */
  readAgain(keys: readonly string[], ledger: Ledger): Promise<ReadAnswer> {
    const ask = (context: ReadContext) => this.#backend.getMany(keys, { ...context, isRepeated: true });
    return this.#read(
      () => this.#reads.read(ask, () => keys),
      () => keys,
      ledger,
    );
  }

  /**
   * The same for the keys that `planner` makes: where the backend can it is asked for the first ones while the others are made.
   *
   * @param onPart see `ReadContext`. Sealed records are told of at the end only: each is to be opened once
   */
  readRuns(planner: LookupPlanner, ledger: Ledger, onPart?: ReadContext['onPart']): Promise<ReadAnswer> {
    const getRuns = this.#backend.getRuns?.bind(this.#backend);
    const keys = () => planner.allKeys();
    if (getRuns === undefined || Reads.isSmall(planner.inputs)) {
      return this.#read((told) => this.#readKeys(keys(), told), keys, ledger, onPart);
    }
    const ask = (context: ReadContext, deadline: Deadline) => getRuns(timed(planner, deadline), context);
    return this.#read((told) => this.#reads.read(ask, keys, told), keys, ledger, onPart);
  }

  #readKeys(keys: readonly string[], onPart: ReadContext['onPart']): Promise<Answer> {
    if (Reads.isSmall(keys.length)) return this.#reads.readSmall(keys);
    return this.#reads.read(
      (context) => this.#backend.getMany(keys, context),
      () => keys,
      onPart,
    );
  }

  async #read(
    ask: (onPart: ReadContext['onPart']) => Promise<Answer>,
    keys: () => readonly string[],
    ledger: Ledger,
    onPart?: ReadContext['onPart'],
  ): Promise<ReadAnswer> {
    const startedAt = performance.now();
    const { records, left, errors } = await ask(this.#sealer ? undefined : onPart);
    for (const error of errors) this.#onFailure(error, ledger);
    return { records: this.#opened(keys(), records), startedAt, left, hasFailed: errors.length > 0 };
  }

  /** What does not open becomes a record of nothing, which is refused and counted; least of all may it pass as it is. */
  #opened(keys: readonly string[], records: Records): Records {
    const sealer = this.#sealer;
    if (sealer === undefined) return records;
    const sealed = records.toArray();
    return Records.of(
      sealed.map((record, i) => record && (sealer.open(keys[i] as string, record) ?? new Uint8Array(0))),
    );
  }
}

/** The same runs: what it takes to make them (large images have long digests) is not the backend's time. */
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
