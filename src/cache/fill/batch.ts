import { TimeBudget } from '../../async/deadline.js';
import type { Permit, PermitOptions, Semaphore } from '../../async/semaphore.js';
import { sleep } from '../../runtime.js';
import type { Inputs } from '../inputs.js';
import type { HeldLocks } from '../locks/held-locks.js';
import type { VectorLookup } from '../lookup/vector-lookup.js';
import type { Namespace } from '../namespace.js';
import type { CacheFill } from '../store/store.js';
import type { FilledBatch, FillWriter } from './fill-writer.js';
import type { FlightControl } from './flights.js';
import { callModel, type ModelAnswer, type ModelCall } from './model-call.js';
import { inside } from './nesting.js';
import { checkUnchanged } from './unchanged.js';
import type { FlightResult, VectorFlights } from './vector-flights.js';
import { WaitForOthers } from './wait-for-others.js';

/** Reads in a row that may fail before the model is asked for what others may have stored. */
const MAX_FAILED_READS = 3;

/** What fills a namespace, put together once. */
export interface FillParts<Input> {
  model: ModelCall<Input>;
  batchSize: number;
  semaphore: Semaphore;
  /** Of the whole cache: two namespaces may have the same keys. */
  flights: VectorFlights;
  namespace: Namespace<Input>;
  inputs: Inputs<Input>;
  lookup: VectorLookup<Input>;
  writer: FillWriter;
}

interface BatchInput<Input> {
  keys: readonly string[];
  inputs: readonly Input[];
  ttlMs: number | undefined;
  fill: CacheFill;
  /** Whether the model is asked also for what is stored. */
  refresh: boolean;
}

/** One flight of a model's batch. */
export class FillBatch<Input> {
  readonly #parts: FillParts<Input>;
  readonly #keys: readonly string[];
  readonly #inputOf: ReadonlyMap<string, Input>;
  readonly #ttlMs: number | undefined;
  readonly #fill: CacheFill;
  readonly #refresh: boolean;
  readonly #control: FlightControl<FlightResult>;
  readonly #vectors = new Map<string, Float32Array>();
  readonly #tokens = new Map<string, number>();
  readonly #failed = new Set<string>();
  readonly #rereads = new Map<string, number>();
  readonly #sent = new Map<string, number>();
  readonly #outdated = new Set<string>();
  readonly #written: Promise<void>[] = [];
  readonly #others: WaitForOthers;
  readonly #freeze: () => void;
  readonly #heldLocks = new Set<HeldLocks>();
  #failedReads = 0;
  #error: unknown;

  constructor(
    parts: FillParts<Input>,
    { keys, inputs, ttlMs, fill, refresh }: BatchInput<Input>,
    control: FlightControl<FlightResult>,
  ) {
    this.#parts = parts;
    this.#keys = keys;
    this.#inputOf = new Map(keys.map((key, i) => [key, inputs[i] as Input]));
    this.#ttlMs = ttlMs;
    this.#fill = { ...fill, isCurrent: (key) => !control.isSuperseded(key) && fill.isCurrent(key) };
    this.#refresh = refresh;
    this.#control = control;
    this.#others = new WaitForOthers(control.frame);
    this.#freeze = control.guard(fill.mayBeJoined);
    control.onOutdated((key) => {
      for (const held of this.#heldLocks) held.giveBack([key]);
    });
  }

  /** Settles the flight with what there is, and resolves when that is stored or given up. */
  async run(milliseconds: number): Promise<void> {
    try {
      const budget = new TimeBudget(milliseconds);
      await this.#withPermit(() => this.#attempt(this.#keys, budget));
      for (;;) {
        await budget.spend(Promise.all(this.#written));
        const missing = this.#keys.filter((key) => !this.#vectors.has(key) && !this.#failed.has(key));
        if (missing.length === 0) break;
        // Others are at these: whoever has such a lock stores what it is for, or dies and loses it.
        await this.#others.pause(this.#control.signal);
        await this.#attempt(missing, new TimeBudget(this.#parts.namespace.store.readTimeout), {
          waitsForPermit: true,
          isLast: this.#others.isOver,
        });
      }
    } catch (error) {
      this.#error ??= error;
    }
    const written = Promise.allSettled(this.#written);
    this.#control.settle({
      vectors: this.#vectors,
      tokens: this.#tokens,
      error: this.#error,
      reread: this.#rereads,
      sent: this.#sent,
      outdated: written.then(() => this.#outdated),
    });
    await written;
    this.#freeze();
  }

  /**
   * Computes those of the keys that nobody else is at; the last time the others as well, which are
   * theirs to store.
   */
  async #attempt(
    keys: readonly string[],
    budget: TimeBudget,
    { waitsForPermit = false, isLast = false } = {},
  ): Promise<void> {
    const { store } = this.#parts.namespace;
    let isHandedOn = false;
    const compute = (own: readonly string[], locks?: HeldLocks, areOthers?: boolean) => {
      const run = () => {
        isHandedOn ||= locks !== undefined;
        return this.#compute(own, locks, areOthers);
      };
      return waitsForPermit ? this.#withPermit(run) : run();
    };
    const locks = budget.left > 0 ? store.usableLocks : undefined;
    if (locks === undefined) return compute(keys);
    const held = locks.hold(keys);
    this.#heldLocks.add(held);
    // Nobody waits any more, and whoever asks again must not wait for a model that goes on.
    const stop = () => held.end();
    this.#control.signal.addEventListener('abort', stop);
    try {
      const { own, unknown } = await held.lockedInTime(store.readTimeout);
      const locked = keys.filter((key) => own.has(key));
      const missing = this.#refresh ? locked : await this.#reread(locked, held, budget);
      // Of some nobody knows whether others are at them.
      const mine = missing.concat(keys.filter((key) => unknown.has(key)));
      if (mine.length > 0) await compute(mine, held);
      const theirs = keys.filter((key) => !own.has(key) && !unknown.has(key));
      if (isLast && theirs.length > 0) await compute(theirs, undefined, true);
    } finally {
      this.#control.signal.removeEventListener('abort', stop);
      if (!isHandedOn) {
        held.end();
        // Who waits for others asks for locks again and again.
        this.#heldLocks.delete(held);
      }
    }
  }

  /** Takes what others stored. Returns what is still to be computed. */
  async #reread(keys: readonly string[], held: HeldLocks, budget: TimeBudget): Promise<readonly string[]> {
    // Whoever had a lock before may have stored what it was for after we looked.
    if (keys.length === 0) return keys;
    const joined = this.#control.joined();
    const found = await budget.spend(this.#parts.lookup.reread(keys));
    if (found?.hasFailed && this.#failedReads < MAX_FAILED_READS && budget.left > 0) {
      this.#failedReads += 1;
      return this.#reread(keys, held, budget);
    }
    if (found === undefined) return keys;
    const stored: string[] = [];
    keys.forEach((key, i) => {
      const vector = found.vectors[i];
      if (vector === undefined) return;
      stored.push(key);
      this.#keep(key, vector, found.tokens?.[i]);
      this.#rereads.set(key, joined);
    });
    held.giveBack(stored);
    // Whoever asks from now on reads it himself.
    this.#control.forget(stored);
    return keys.filter((key) => !this.#vectors.has(key));
  }

  /** Asks the model, and begins to store what it says. Ends the locks that it is given. */
  async #compute(keys: readonly string[], held?: HeldLocks, areOthers = false): Promise<void> {
    const { model, namespace } = this.#parts;
    const { frame, signal } = this.#control;
    let answer: ModelAnswer;
    try {
      await namespace.store.writes.queue.room();
      signal.throwIfAborted();
      const inputs = keys.map((key) => this.#inputOf.get(key) as Input);
      const check = () => checkUnchanged(this.#parts, keys, inputs);
      answer = await inside(frame, () => callModel(model, inputs, { signal, pause: this.#pause, check }));
    } catch (error) {
      held?.end();
      this.#error ??= error;
      for (const key of keys) this.#failed.add(key);
      // Whoever asks from now on asks the model anew, while this waits for what others are at.
      this.#control.forget(keys);
      return;
    }
    if (this.#refresh && !areOthers) this.#control.supersede(keys);
    const { vectors, tokens } = answer;
    keys.forEach((key, i) => {
      this.#keep(key, vectors[i] as Float32Array, tokens?.[i]);
    });
    this.#written.push(
      this.#write({ keys, vectors, tokens, ttlMs: this.#ttlMs, fill: this.#fill, locks: held, areOthers }),
    );
  }

  async #write(batch: FilledBatch): Promise<void> {
    const { locks, keys } = batch;
    const joined = this.#control.joined();
    if (locks) for (const key of keys) if (locks.has(key)) this.#sent.set(key, joined);
    try {
      const isKnown = await this.#parts.writer.write(batch);
      // What is not known to be stored under its lock may have been changed by others before it was
      // asked for.
      if (locks && isKnown)
        for (const key of keys) if (locks.has(key) && !locks.stored.has(key)) this.#outdated.add(key);
    } finally {
      locks?.end();
    }
  }

  #keep(key: string, vector: Float32Array, tokens: number | undefined): void {
    this.#vectors.set(key, vector);
    if (tokens !== undefined) this.#tokens.set(key, tokens);
  }

  /**
   * Waits for one of the namespace's permits; not where a model waits for it, since those who have
   * them may wait for that.
   */
  #withPermit<T>(work: () => Promise<T>): Promise<T> {
    return this.#parts.semaphore.run(work, this.#permitOptions);
  }

  /** Others have the permit while nothing is asked. */
  readonly #pause = (milliseconds: number): Promise<void> => {
    const { signal } = this.#control;
    return this.#parts.semaphore.without(() => sleep(milliseconds, { signal }), this.#permitOptions);
  };

  get #permitOptions(): PermitOptions {
    const { frame, signal } = this.#control;
    const onPermit = (permit: Permit) => {
      if (this.#others.isNested) permit.startNow();
      else frame.queued = permit.startNow;
    };
    return { signal, onPermit };
  }
}
