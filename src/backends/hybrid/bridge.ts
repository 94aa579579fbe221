import type { BackendEntry } from '../backend.js';
import type { NearTier } from './near-tier.js';

/**
 * Bridges an outage for an instance that does not hear the others: what it puts near while the second tier fails serves until that
 * answers again. Whoever reaches neither has nothing else; whoever reaches the second tier reads that, since there the others remove.
 */
export class Bridge {
  readonly #near: NearTier;
  #isNeeded = false;
  /** Whether something was put near since it answered last. */
  #isUsed = false;
  /** What is being put near, and what removes it after that: nothing may outlast the end. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(near: NearTier) {
    this.#near = near;
  }

  /** Whether the second tier failed when it was asked last. */
  get isNeeded(): boolean {
    return this.#isNeeded;
  }

  /** It failed. */
  begin(): void {
    this.#isNeeded = true;
  }

  /** It answered: what is near no longer serves. */
  end(): void {
    this.#isNeeded = false;
    if (!this.#isUsed) return;
    this.#isUsed = false;
    this.#changes = this.#changes.then(() => this.#near.drop({ prefix: '' })).catch(() => {});
  }

  /** Puts entries near. */
  put(entries: readonly BackendEntry[]): Promise<void> {
    this.#isUsed = true;
    const put = this.#near.put(entries);
    this.#changes = Promise.allSettled([this.#changes, put]);
    return put;
  }

  /** Puts what was put near into those places of `values` that have nothing. Never rejects. */
  async serve(keys: readonly string[], values: (Uint8Array | undefined)[]): Promise<void> {
    if (!this.#isUsed) return;
    const places = keys.flatMap((_, place) => (values[place] === undefined ? [place] : []));
    const wanted = places.map((place) => keys[place] as string);
    await this.#changes;
    if (this.#near.isBroken) return;
    const found = await this.#near.getMany(wanted).catch(() => []);
    // It may have answered somebody else meanwhile.
    if (!this.#isUsed || this.#near.isBroken) return;
    for (const [index, place] of places.entries()) values[place] = found[index];
  }
}
