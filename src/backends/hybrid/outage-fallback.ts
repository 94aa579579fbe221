import type { BackendEntry } from '../backend.js';
import type { L1Tier } from './l1-tier.js';

/**
 * Serves an instance during an outage in which it does not hear the others: what it puts in L1
 * while L2 fails serves until L2 answers again. Whoever reaches neither has nothing else; whoever
 * reaches L2 reads that, since there the others remove.
 */
export class OutageFallback {
  readonly #l1: L1Tier;
  #isNeeded = false;
  /** Whether something was put in L1 since L2 answered last. */
  #isUsed = false;
  /** What is being put in L1, and what removes it after that: nothing may outlast the end. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(l1: L1Tier) {
    this.#l1 = l1;
  }

  /** Whether L2 failed when it was asked last. */
  get isNeeded(): boolean {
    return this.#isNeeded;
  }

  /** L2 failed. */
  begin(): void {
    this.#isNeeded = true;
  }

  /** L2 answered: what is in L1 no longer serves. */
  end(): void {
    this.#isNeeded = false;
    if (!this.#isUsed) return;
    this.#isUsed = false;
    this.#changes = this.#changes.then(() => this.#l1.drop({ prefix: '' })).catch(() => {});
  }

  /** Puts entries in L1. */
  put(entries: readonly BackendEntry[]): Promise<void> {
    this.#isUsed = true;
    const put = this.#l1.put(entries);
    this.#changes = Promise.allSettled([this.#changes, put]);
    return put;
  }

  /** Puts what was put in L1 into those places of `values` that have nothing. Never rejects. */
  async serve(keys: readonly string[], values: (Uint8Array | undefined)[]): Promise<void> {
    if (!this.#isUsed) return;
    const places = keys.flatMap((_, place) => (values[place] === undefined ? [place] : []));
    const wanted = places.map((place) => keys[place] as string);
    await this.#changes;
    if (this.#l1.isBroken) return;
    const found = await this.#l1.getMany(wanted).catch(() => []);
    // It may have answered somebody else meanwhile.
    if (!this.#isUsed || this.#l1.isBroken) return;
    for (const [index, place] of places.entries()) values[place] = found[index];
  }
}
