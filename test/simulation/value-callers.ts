import { VecstashError } from '../../src/errors.js';
import { nameOfValue, type SimValue, simValueOf } from '../support/sim-vectors.js';
import { type Calls, type Instance, VALUES } from './calls.js';

/** The same for what is no vector. */
export class ValueCallers {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async getOrCompute(instance: Instance, isNested = false): Promise<void> {
    const { chance, model, time, instances } = this.#calls.options;
    const key = chance.pick(VALUES);
    const { process } = instance;
    const fails = chance.is(0.1);
    const failure = new Error('no value today');
    const duration = chance.next() * chance.pick([1, 30, 1_000]);
    await this.#calls.make(instance, `getOrCompute ${key}${isNested ? ' from within' : ''}`, async (since, who) => {
      let value: SimValue;
      const end = model.asking([key], process.name);
      try {
        value = await instance.values.getOrCompute(`value ${key}`, async () => {
          const version = model.computing(key, process.name, undefined, { isNested });
          // It may ask for the other one, or for itself.
          if (!isNested && chance.is(0.05)) await this.getOrCompute(instance, true);
          await time.wait(duration, process);
          model.computed(version, !fails);
          if (fails) throw failure;
          return simValueOf({ key, version });
        });
      } catch (error) {
        if (error instanceof Error && error.message === failure.message) return;
        if (isNested && error instanceof VecstashError) return;
        throw error;
      } finally {
        end();
      }
      // Where several processes compute the same value, one of them stores it, which may fail.
      model.served(key, nameOfValue(value), since, who, instances.length === 1);
      Object.assign(value, { key: -1, version: -1 });
    });
  }

  async getMany(instance: Instance): Promise<void> {
    const { model } = this.#calls.options;
    await this.#calls.make(instance, `get values ${VALUES}`, async (since, who) => {
      const values = await instance.values.getMany(VALUES.map((key) => `value ${key}`));
      VALUES.forEach((key, i) => {
        const value = values[i];
        if (value === undefined) model.missed(key, since, who);
        else {
          model.served(key, nameOfValue(value), since, who);
          Object.assign(value, { key: -1, version: -1 });
        }
      });
    });
  }

  async set(instance: Instance): Promise<void> {
    const { chance, model, isStored } = this.#calls.options;
    const key = chance.pick(VALUES);
    await this.#calls.make(instance, `set value ${key}`, async () => {
      const version = model.setting(key, instance.process.name);
      const value = simValueOf({ key, version });
      const done = instance.values.set(`value ${key}`, value);
      Object.assign(value, { key: -1, version: -1 });
      await this.#calls.unlessRefused(done, [version]);
      model.wasSet(version, isStored(version));
    });
  }

  async remove(instance: Instance): Promise<void> {
    if (this.#calls.options.chance.is(0.2))
      return this.#calls.removal(instance, 'clear values', VALUES, () => instance.values.clear());
    const key = this.#calls.options.chance.pick(VALUES);
    return this.#calls.removal(instance, `delete value ${key}`, [key], () => instance.values.delete(`value ${key}`));
  }
}
