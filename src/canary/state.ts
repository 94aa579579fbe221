import { createHash } from 'node:crypto';
import type { Cache } from '../cache/cache.js';
import type { Values } from '../cache/values.js';
import { BackendError } from '../errors.js';
import type { Baseline, Comparison } from './statistic.js';

/** The namespace of values that baselines and epochs lie in. */
const NAMESPACE = 'vecstash-canary';

/** Ten years: a store's own default must not end an epoch. */
const KEPT = '3650d';

/** How many epochs are looked for at once. */
const WINDOW = 16;

/** What a check found, as other instances read it. */
export type Finding = Comparison & { epoch: number; drifted: boolean };

/**
 * What instances know of a model together. An epoch is begun by writing its mark, and the last mark
 * counts: so epochs only ever go up, whoever writes late or twice.
 */
export class DriftState {
  /** The name of the lease that checks are made under. */
  readonly lease: string;
  readonly #cache: Cache;
  readonly #values: Values<unknown>;
  readonly #id: string;
  readonly #canaries: string;
  readonly #last: string;

  /**
   * @param keys those of the canaries, which tell model, namespace and texts apart
   * @param onDrift findings count for whoever would have done the same about them
   */
  constructor(cache: Cache, keys: readonly string[], onDrift: string) {
    const [first] = keys as [string];
    this.#cache = cache;
    this.#values = cache.values(NAMESPACE, { ttl: KEPT });
    this.#id = first.slice(0, first.lastIndexOf(':'));
    this.#canaries = hashOf(keys.join());
    this.#last = `${this.#id}/last/${this.#canaries}/${onDrift}`;
    this.lease = `canary.${hashOf(this.#id)}`;
  }

  /**
   * The last epoch, which is `known` at least: its mark is written again where it is lost. Rejects
   * where the cache could not be read.
   */
  async epochFrom(known: number): Promise<number> {
    for (let epoch = known; ; ) {
      const names = Array.from({ length: WINDOW + 1 }, (_, i) => this.#mark(epoch + i));
      // An epoch whose mark is damaged was begun: what is older must not be seen again.
      const marks = await this.#read(names, true);
      const last = marks.findLastIndex((mark) => mark !== undefined);
      if (last > 0) epoch += last;
      else {
        if (last < 0 && epoch > 0) await this.begin(epoch);
        return epoch;
      }
    }
  }

  /** Leaves marks on the way, so that whoever knows none finds the last. */
  begin(epoch: number): Promise<void> {
    const marks: [string, true][] = [];
    for (let on = epoch; on > 0; on -= WINDOW) marks.push([this.#mark(on), true]);
    return this.#values.setMany(marks);
  }

  /** Rejects where the cache could not be read. */
  async baseline(epoch: number): Promise<Baseline | undefined> {
    const [found] = (await this.#read([this.#baseline(epoch)])) as (Baseline | undefined)[];
    return found && found.vectors instanceof Float32Array && found.noise >= 0 ? found : undefined;
  }

  /** Rejects where it is not stored. */
  async keep(epoch: number, baseline: Baseline): Promise<void> {
    await this.#values.set(this.#baseline(epoch), baseline);
    if ((await this.baseline(epoch)) === undefined) throw new BackendError('the baseline could not be stored');
  }

  /** What was found within the time that `publish` was given. */
  async lastFinding(): Promise<Finding | undefined> {
    const [found] = await oneByOne(this.#cache, () => this.#values.getMany([this.#last]));
    return found as Finding | undefined;
  }

  publish(finding: Finding, ttl: number): Promise<void> {
    return this.#values.set(this.#last, finding, { ttl });
  }

  /**
   * What is missing is missing: a read that failed is told by the count of errors alone, and a record
   * that is there and refused by the counts of those.
   * @param ifRefused stands for a record that is refused
   */
  #read(keys: readonly string[], ifRefused?: unknown): Promise<unknown[]> {
    return oneByOne(this.#cache, async () => {
      const { found, refused } = await this.#readNow(keys);
      if (refused === 0 || ifRefused === undefined) return found;
      const marks: unknown[] = [];
      for (const key of keys) {
        const alone = await this.#readNow([key]);
        marks.push(alone.refused > 0 ? ifRefused : alone.found[0]);
      }
      return marks;
    });
  }

  async #readNow(keys: readonly string[]): Promise<{ found: unknown[]; refused: number }> {
    const before = this.#counts;
    const found = await this.#values.getMany(keys);
    const after = this.#counts;
    if (after.errors !== before.errors) throw new BackendError('the cache could not be read');
    return { found, refused: after.refused - before.refused };
  }

  get #counts(): { errors: number; refused: number } {
    const { errors = 0, corrupt = 0, unsupported = 0 } = this.#cache.stats()[NAMESPACE] ?? {};
    return { errors, refused: corrupt + unsupported };
  }

  #mark(epoch: number): string {
    return `${this.#id}/epoch/${epoch}`;
  }

  #baseline(epoch: number): string {
    return `${this.#id}/baseline/${epoch}/${this.#canaries}`;
  }
}

/** By cache: the last read of its marks, baselines and findings. */
const lastReads = new WeakMap<Cache, Promise<unknown>>();

/** Several watches share the counts of a cache: what one read changes must not be taken for another's. */
function oneByOne<T>(cache: Cache, read: () => Promise<T>): Promise<T> {
  const result = (lastReads.get(cache) ?? Promise.resolve()).then(read);
  lastReads.set(
    cache,
    result.catch(() => {}),
  );
  return result;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
