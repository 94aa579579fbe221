import type { BreakerEvent } from '../events.js';

/** Counts the circuit breakers that are open, by their name. */
export class OpenBreakers {
  readonly #ids = new Map<string, Set<number>>();

  /** Records what became of a breaker; returns how many of its name are open. */
  record({ id, what, state }: BreakerEvent): number {
    const ids = this.#ids.get(what) ?? new Set();
    this.#ids.set(what, ids);
    // One that was open before anybody listened is not there to be deleted.
    if (state === 'open') ids.add(id);
    else ids.delete(id);
    return ids.size;
  }

  /** How many are open, for each name that was heard. */
  get counts(): [what: string, open: number][] {
    return Array.from(this.#ids, ([what, ids]) => [what, ids.size]);
  }
}
