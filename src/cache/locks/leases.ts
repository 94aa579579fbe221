import { randomUUID } from 'node:crypto';
import { attempt } from '../../backends/attempt.js';
import type { BackendLeases } from '../../backends/backend.js';
import { BackendError } from '../../errors.js';

/** How long a lease outlives a process that died, in milliseconds. */
const LIFE = 30_000;

/** How often a lease is renewed while it is held. */
const RENEWAL = LIFE / 4;

/** Lets one process at a time do a job, among all that share a store. */
export class Leases {
  readonly #leases: BackendLeases | undefined;
  readonly #prefix: string;
  readonly #process = randomUUID();
  #runs = 0;

  /** @param leases undefined where the store has none: then nobody is kept from anything. */
  constructor(leases: BackendLeases | undefined, prefix: string) {
    this.#leases = leases;
    this.#prefix = prefix;
  }

  /** See `Cache.exclusively`. */
  async run<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const lost = new AbortController();
    const leases = this.#leases;
    if (leases === undefined) return work(lost.signal);
    const names = [this.#prefix + name];
    // Two runs of one process keep each other out like those of two.
    this.#runs += 1;
    const holder = `${this.#process}:${this.#runs}`;
    let heldAt = performance.now();
    if (!(await leases.acquire(names, holder, LIFE))[0]) return undefined;
    const lose = () => lost.abort(new BackendError(`the lease of ${name} is lost`));
    const renewal = setInterval(() => {
      // A store that does not answer leaves the lease as it is until its end: work is given up before that.
      if (performance.now() - heldAt > 2 * RENEWAL) return lose();
      const askedAt = performance.now();
      attempt(() => leases.acquire(names, holder, LIFE)).then(
        ([isHeld]) => {
          if (isHeld) heldAt = askedAt;
          else lose();
        },
        () => {},
      );
    }, RENEWAL);
    // Not every host has timers that keep a process alive.
    (renewal as { unref?: () => void }).unref?.();
    try {
      return await work(lost.signal);
    } finally {
      clearInterval(renewal);
      await attempt(() => leases.release(names, holder)).catch(() => {});
    }
  }
}
