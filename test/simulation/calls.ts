import type { Cache } from '../../src/cache/cache.js';
import type { Embeddings } from '../../src/cache/embeddings.js';
import type { Values } from '../../src/cache/values.js';
import { BackendError, ClosedError } from '../../src/errors.js';
import type { Chance } from '../support/sim-chance.js';
import type { SimProcess, SimTime } from '../support/sim-time.js';
import type { SimValue } from '../support/sim-vectors.js';
import type { Model } from './model.js';

/** A cache in a process of its own. */
export interface Instance {
  process: SimProcess;
  cache: Cache;
  /** One of those that it has open. */
  readonly embeddings: Embeddings;
  values: Values<SimValue>;
  isClosing: boolean;
}

export interface CallsOptions {
  time: SimTime;
  chance: Chance;
  model: Model;
  instances: readonly Instance[];
  dimensions: number;
  /** Whether removals may fail. */
  mayFail: boolean;
  /** Whether `close` may say that it could not keep everything. */
  mayLose: boolean;
  /** Whether the store has, or had, what was set. */
  isStored(version: number): boolean;
  note(what: string): void;
  /** Is called when the cache of an instance is closed. */
  closed(instance: Instance): Promise<void>;
}

export const KEYS = [0, 1, 2, 3, 4];
/** Keys of values come after those of texts. */
export const VALUES = [100, 101];
const TEXT = 'text ';

export const textOf = (key: number) => `${TEXT}${key}`;
export const keyOf = (text: string) => Number(text.slice(TEXT.length));

/** The calls of all callers: which are under way, and what they may end with. */
export class Calls {
  count = 0;
  readonly options: CallsOptions;
  readonly #open = new Set<{ what: string }>();

  constructor(options: CallsOptions) {
    this.options = options;
  }

  get underWay(): number {
    return this.#open.size;
  }

  /** What was not answered. */
  get open(): string[] {
    return [...this.#open].map(({ what }) => what);
  }

  /** One call of a caller, from its beginning to its end. `ClosedError` ends whatever a closed cache is asked. */
  async make(instance: Instance, what: string, work: (since: number, who: string) => Promise<void>): Promise<void> {
    const { model, note, time } = this.options;
    const { name } = instance.process;
    this.count += 1;
    const who = `${name} (${what}, call ${this.count})`;
    const call = { what: who };
    this.#open.add(call);
    const since = model.now();
    note(`${who} at ${since}`);
    try {
      await time.as(instance.process, () => work(since, who));
      note(`${who}: over at ${model.now()}`);
    } catch (error) {
      note(`${who}: ${String(error)}`);
      const isExpected = error instanceof ClosedError && instance.isClosing;
      if (!isExpected) model.violations.push(`fails: ${who} with ${(error as Error)?.stack ?? error}`);
    } finally {
      this.#open.delete(call);
    }
  }

  /** A `set` of a closed cache has promised nothing. */
  async unlessRefused(done: Promise<void>, versions: number[]): Promise<void> {
    try {
      await done;
    } catch (error) {
      for (const version of versions) this.options.model.refused(version);
      throw error;
    }
  }

  async removal(
    instance: Instance,
    what: string,
    keys: readonly number[],
    remove: () => Promise<unknown>,
  ): Promise<void> {
    const { model, mayFail } = this.options;
    await this.make(instance, what, async () => {
      const changes = model.removing(keys, instance.process.name);
      try {
        await remove();
      } catch (error) {
        if (mayFail && error instanceof BackendError) return;
        throw error;
      }
      model.wasRemoved(changes);
    });
  }
}
