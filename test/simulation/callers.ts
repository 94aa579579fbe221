import { BackendError } from '../../src/errors.js';
import type { Calls, Instance } from './calls.js';
import { ValueCallers } from './value-callers.js';
import { VectorCallers } from './vector-callers.js';

type Operation = (instance: Instance) => Promise<void>;

/** Callers who ask caches for all there is to ask, at random. */
export class Callers {
  readonly #calls: Calls;
  readonly #vectors: VectorCallers;
  /** What may be asked, and how often beside the rest. */
  readonly #operations: readonly (readonly [weight: number, operation: Operation])[];
  #planned = 0;

  constructor(calls: Calls) {
    this.#calls = calls;
    const vectors = new VectorCallers(calls);
    const values = new ValueCallers(calls);
    this.#vectors = vectors;
    this.#operations = [
      [8, (instance) => vectors.embed(instance)],
      [1, (instance) => vectors.burst(instance)],
      [3, (instance) => vectors.getMany(instance)],
      [1, (instance) => vectors.getMatrix(instance)],
      [3, (instance) => vectors.set(instance)],
      [3, (instance) => vectors.remove(instance)],
      [0.5, (instance) => vectors.clear(instance)],
      [2, (instance) => values.getOrCompute(instance)],
      [1, (instance) => values.getMany(instance)],
      [1, (instance) => values.set(instance)],
      [1, (instance) => values.remove(instance)],
      [0.3, (instance) => this.#close(instance)],
    ];
  }

  /** Whether everything was asked and answered, and every cache is closed. */
  get isOver(): boolean {
    return this.#planned === 0 && this.#calls.underWay === 0;
  }

  /** Has everything asked within `span` milliseconds; then closes what is open. */
  plan(span: number): void {
    const { chance, time, instances } = this.#calls.options;
    for (let i = chance.between(2, 9); i > 0; i -= 1) {
      const instance = chance.pick(instances);
      const operation = chance.weighed(this.#operations);
      this.#at(chance.is(0.2) ? 0 : chance.next() * span, instance, operation);
    }
    const waits = chance.is(0.5);
    for (const instance of instances) {
      this.#at(span + chance.next() * 200, instance, async () => {
        while (waits && this.#calls.underWay > 0) await time.wait(50, instance.process);
        await this.#close(instance);
      });
    }
  }

  /** A model asks the cache that asked it. */
  askFromWithin(instance: Instance): Promise<unknown> {
    return this.#vectors.embed(instance, true);
  }

  /** What callers kept is still what they were given. */
  checkKept(): void {
    this.#vectors.checkKept();
  }

  #at(delay: number, instance: Instance, operation: Operation): void {
    this.#planned += 1;
    this.#calls.options.time.after(
      delay,
      () => {
        this.#planned -= 1;
        void operation(instance);
      },
      instance.process,
    );
  }

  async #close(instance: Instance): Promise<void> {
    if (instance.isClosing) return;
    instance.isClosing = true;
    const { mayLose } = this.#calls.options;
    await this.#calls.make(instance, 'close', async () => {
      try {
        await instance.cache.close();
      } catch (error) {
        // It says what it could not keep.
        if (mayLose && error instanceof BackendError) return;
        throw error;
      }
      await this.#calls.options.closed(instance);
    });
  }
}
