import { EmbedError, VecstashError } from '../../src/errors.js';
import { nameOf, vectorOf } from '../support/sim-vectors.js';
import { type Calls, type Instance, KEYS, textOf, VALUES } from './calls.js';

/** In milliseconds: a turn or two of the event loop. */
const AT_ONCE = 1;
const HOW = ['plain', 'plain', 'plain', 'plain', 'plain', 'plain', 'refresh', 'bypass'] as const;
const REASON = new Error('nobody wants to know any more');

/** Callers who ask for vectors, set and remove them, and check what they get. */
export class VectorCallers {
  readonly #calls: Calls;
  readonly #keys: readonly number[];
  readonly #isLarge: boolean;
  /** Who keeps what he got: nobody may change it any more. */
  readonly #kept: { vector: Float32Array; key: number; version: number }[] = [];

  constructor(calls: Calls) {
    this.#calls = calls;
    const { chance, dimensions } = calls.options;
    this.#isLarge = dimensions > 1000;
    this.#keys = this.#isLarge ? KEYS : KEYS.slice(0, chance.between(1, KEYS.length));
  }

  /** What callers kept is still what they were given. */
  checkKept(): void {
    const { dimensions, model } = this.#calls.options;
    for (const { vector, key, version } of this.#kept) {
      const name = nameOf(vector, dimensions);
      if (name?.key !== key || name.version !== version) {
        model.violations.push(`shared: a vector of key ${key}, version ${version}, was changed after it was given`);
      }
    }
  }

  async embed(instance: Instance, isNested = false): Promise<void> {
    const { chance, model, dimensions } = this.#calls.options;
    const keys = this.#pick(chance.between(1, chance.pick([1, 3, 7])));
    const texts = keys.map(textOf);
    const controller = new AbortController();
    const isAborting = !isNested && chance.is(0.15);
    const how = isNested ? 'plain' : chance.pick(HOW);
    let isOver = false;
    if (isAborting) this.#abortLater(instance, controller, () => isOver);
    await this.#calls.make(
      instance,
      `embed keys ${keys}${isNested ? ' from within' : ''}, ${how}`,
      async (since, who) => {
        const endAnew = how === 'plain' ? () => {} : model.askingAnew(keys);
        const endAsking = model.asking(keys, instance.process.name);
        const end = () => {
          endAsking();
          endAnew();
        };
        const embedded = instance.embeddings.embed(texts, {
          ...(isAborting && { signal: controller.signal }),
          ...(how !== 'plain' && { [how]: true }),
        });
        if (chance.is(0.5)) texts.fill('something else');
        let vectors: Float32Array[];
        try {
          vectors = await embedded;
        } catch (error) {
          if (isAborting && error === REASON) return;
          if (isNested && error instanceof VecstashError) return;
          if (!(error instanceof EmbedError)) throw error;
          this.#checkIndices(error, keys, instance, since);
          return;
        } finally {
          // Others may have joined the computation of one who was aborted: it is as old as his call.
          if (!controller.signal.aborted) end();
          isOver = true;
        }
        if (vectors.length !== keys.length) model.violations.push(`wrong: ${who} got ${vectors.length} vectors`);
        vectors.forEach((vector, i) => {
          const name = vector && nameOf(vector, dimensions);
          model.served(keys[i] as number, name, since, who, how !== 'bypass');
          if (how !== 'plain') model.servedAnew(name, since, who);
        });
        this.#use(vectors);
      },
    );
  }

  async burst(instance: Instance): Promise<void> {
    const count = this.#calls.options.chance.between(3, 8);
    await Promise.all(Array.from({ length: count }, () => this.embed(instance)));
  }

  async getMany(instance: Instance): Promise<void> {
    const { chance, model, dimensions } = this.#calls.options;
    const keys = this.#pick(chance.between(1, 5));
    await this.#calls.make(instance, `getMany ${keys}`, async (since, who) => {
      const texts = keys.map(textOf);
      const read = instance.embeddings.getMany(texts);
      texts.fill('something else');
      const vectors = await read;
      if (vectors.length !== keys.length) model.violations.push(`wrong: ${who} got ${vectors.length} vectors`);
      vectors.forEach((vector, i) => {
        const key = keys[i] as number;
        if (vector) model.served(key, nameOf(vector, dimensions), since, who);
        else model.missed(key, since, who);
      });
      this.#use(vectors.filter((vector) => vector !== undefined));
    });
  }

  async getMatrix(instance: Instance): Promise<void> {
    const { chance, model, dimensions } = this.#calls.options;
    const keys = this.#pick(chance.between(1, 5));
    await this.#calls.make(instance, `getMatrix ${keys}`, async (since, who) => {
      const { data, found } = await instance.embeddings.getMatrix(keys.map(textOf));
      keys.forEach((key, i) => {
        const row = data.subarray(i * dimensions, (i + 1) * dimensions);
        if (found[i] === 1) model.served(key, nameOf(row, dimensions), since, who);
        else if ((data.length > 0 && row.length !== dimensions) || row.some((x) => x !== 0)) {
          model.violations.push(`wrong: ${who} got a row for key ${key} that was not found`);
        } else model.missed(key, since, who);
      });
      data.fill(Number.NaN);
    });
  }

  async set(instance: Instance): Promise<void> {
    const { chance, model, dimensions, isStored } = this.#calls.options;
    const keys = this.#pick(chance.pick([1, 1, 3]));
    await this.#calls.make(instance, `set ${keys}`, async () => {
      const versions = keys.map((key) => model.setting(key, instance.process.name));
      const vectors = keys.map((key, i) => {
        const vector = vectorOf({ key, version: versions[i] as number }, dimensions);
        return chance.is(0.3) ? Array.from(vector) : vector;
      });
      const entries = keys.map(
        (key, i) => [textOf(key), vectors[i] as ArrayLike<number>] as [string, ArrayLike<number>],
      );
      const done =
        entries.length === 1
          ? instance.embeddings.set(...(entries[0] as (typeof entries)[0]))
          : instance.embeddings.setMany(entries);
      // What was handed in is the caller's again.
      for (const vector of vectors) vector.fill(Number.NaN);
      entries.length = 0;
      await this.#calls.unlessRefused(done, versions);
      this.#wereSet(versions, keys, isStored);
    });
  }

  /** Of a key that was named twice only the last version is stored. */
  #wereSet(versions: number[], keys: number[], isStored: (version: number) => boolean): void {
    versions.forEach((version, i) => {
      const isLast = keys.lastIndexOf(keys[i] as number) === i;
      this.#calls.options.model.wasSet(version, isLast && isStored(version));
    });
  }

  async remove(instance: Instance): Promise<void> {
    const { chance } = this.#calls.options;
    const keys = [...new Set(this.#pick(chance.pick([1, 1, 3])))];
    const texts = keys.map(textOf);
    await this.#calls.removal(instance, `delete ${keys}`, keys, () =>
      texts.length === 1 ? instance.embeddings.delete(texts[0] as string) : instance.embeddings.deleteMany(texts),
    );
  }

  async clear(instance: Instance): Promise<void> {
    if (this.#calls.options.chance.is(0.5)) {
      await this.#calls.removal(instance, 'clear', KEYS, () => instance.embeddings.clear());
    } else {
      await this.#calls.removal(instance, 'clear all', [...KEYS, ...VALUES], () => instance.cache.clear());
    }
  }

  /** A call that is aborted ends at once. */
  #abortLater(instance: Instance, controller: AbortController, isOver: () => boolean): void {
    const { chance, time, model } = this.#calls.options;
    if (chance.is(0.1)) controller.abort(REASON);
    const abort = () => {
      controller.abort(REASON);
      time.after(
        AT_ONCE,
        () => {
          if (!isOver()) model.violations.push(`late: a call of ${instance.process.name} goes on after it was aborted`);
        },
        instance.process,
      );
    };
    time.after(chance.next() * chance.pick([1, 50, 500]), abort, instance.process);
  }

  /** The positions without a vector are those of keys that a model failed at, all of them. */
  #checkIndices({ indices }: EmbedError, keys: readonly number[], instance: Instance, since: number): void {
    const { model } = this.#calls.options;
    const named = new Set(indices.map((index) => keys[index]));
    const expected = [...keys.keys()].filter((place) => named.has(keys[place]));
    const isEach = indices.length > 0 && `${indices}` === `${expected}`;
    const failed = [...named].every((key) => key !== undefined && model.hasFailed(key, instance.process.name, since));
    if (!isEach || !failed) model.violations.push(`names: an EmbedError for keys ${keys} names ${indices}`);
  }

  /** So many keys at random; more where they are to be encoded in more than one turn. */
  #pick(count: number): number[] {
    const { chance } = this.#calls.options;
    return Array.from({ length: this.#isLarge ? 3 * count : count }, () => chance.pick(this.#keys));
  }

  /** What callers do with what is theirs. */
  #use(vectors: Float32Array[]): void {
    const { chance, dimensions } = this.#calls.options;
    for (const vector of vectors) {
      const use = chance.between(0, 3);
      if (use === 0) vector.fill(Number.NaN);
      else if (use === 1) for (let i = 0; i < vector.length; i += 1) vector[i] = (vector[i] as number) / 2;
      else {
        const name = vector && nameOf(vector, dimensions);
        if (name) this.#kept.push({ vector, ...name });
      }
    }
  }
}
