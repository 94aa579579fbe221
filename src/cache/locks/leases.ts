import { randomUUID } from 'node:crypto';
import { attempt } from '../../async/attempt.js';
import { Renewal } from '../../async/renewal.js';
import type { BackendLeases } from '../../backends/backend.js';
import { BackendError } from '../../errors.js';
import { performance } from '../../runtime.js';

/** How long a lease outlives a process that died, in milliseconds. */
const LEASE_TTL = 30_000;

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
    const askedAt = performance.now();
    const acquire = async () => (await leases.acquire(names, holder, LEASE_TTL))[0] === true;
    if (!(await acquire())) return undefined;
    const renewal = new Renewal(askedAt, {
      ttlMs: LEASE_TTL,
      intervalMs: LEASE_TTL / 4,
      renew: acquire,
      onLost: () => lost.abort(new BackendError(`the lease of ${name} is lost`)),
    });
    try {
      return await work(lost.signal);
    } finally {
      renewal.stop();
      await attempt(() => leases.release(names, holder)).catch(() => {});
    }
  }
}
