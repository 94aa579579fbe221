import { BackendError } from '../../errors.js';
import type { BackendEntry, BackendLeases, BackendTouch } from '../backend.js';
import { escapeGlob } from '../glob.js';
import type { LockStore } from '../shell/locks.js';
import type { RawReadContext, RawStore } from '../shell/raw-store.js';
import { type Command, decodeValue, extendTtl, keyChunks, mget, ping, remove, scan, set, unlink } from './commands.js';
import { UpstashLeases } from './leases.js';
import { lockedKey, lockPattern } from './lock-names.js';
import { UpstashLocks } from './locks.js';
import type { Outcome, RunOptions, UpstashRest } from './rest.js';

/**
 * Records, leases and locks as keys of Upstash Redis. Batches are cut into requests by
 * `UpstashRest`.
 */
export class UpstashStore implements RawStore {
  readonly leases: BackendLeases;
  readonly locks: LockStore;
  readonly #rest: UpstashRest;

  constructor(rest: UpstashRest) {
    this.#rest = rest;
    // A repeated lease has the same outcome. Of two scripts that store under a lock the second is
    // refused, no more.
    const run = (commands: Command<number[]>[]) => this.#all(commands, { isRepeatable: true });
    this.leases = new UpstashLeases(run);
    this.locks = new UpstashLocks(run);
  }

  async getMany(
    keys: readonly string[],
    { signal, onPartialFailure }: RawReadContext,
  ): Promise<(Uint8Array | undefined)[]> {
    const chunks = keyChunks(keys);
    const outcomes = await this.#rest.run(chunks.map(mget), { signal, isRepeatable: true });
    const failures = failuresOf(outcomes);
    if (failures.length > 0) {
      const error = new BackendError(`Upstash: ${failures[0]}`);
      if (failures.length === outcomes.length) throw error;
      onPartialFailure(error);
    }
    return chunks.flatMap((chunk, index) => {
      const values = outcomes[index]?.value;
      return chunk.map((_, place) => decodeValue(values?.[place]));
    });
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    // A repeated SET writes the same again, and only while the call is under way: no later write
    // can be undone by it.
    const failures = failuresOf(await this.#rest.run(entries.map(set), { isRepeatable: true }));
    if (failures.length === 0) return;
    throw new BackendError(`Upstash: ${failures.length} of ${entries.length} writes failed: ${failures[0]}`);
  }

  /** Ends the locks of the keys. */
  async deleteMany(keys: readonly string[]): Promise<number> {
    // Not repeated: a second UNLINK finds nothing of what the first has removed.
    return sumOf(await this.#all(keyChunks(keys).map(remove), { isRepeatable: false }));
  }

  async clear(prefix: string): Promise<number> {
    const isCovered = (name: string) => lockedKey(name)?.startsWith(prefix) ?? false;
    // Locks first: otherwise what was locked before could be stored where it was cleared already.
    await this.#scan(lockPattern(prefix), (names) => this.#unlink(names.filter(isCovered)));
    return this.#scan(`${escapeGlob(prefix)}*`, async (names) => {
      // Whatever the store makes of a pattern, nothing else is removed; a lock is no record, and is
      // not counted.
      const keys = names.filter((name) => name.startsWith(prefix) && lockedKey(name) === undefined);
      const [count] = await Promise.all([this.#unlink(keys), this.#unlink(names.filter(isCovered))]);
      return count;
    });
  }

  async touchMany(touches: readonly BackendTouch[]): Promise<void> {
    await this.#all(touches.map(extendTtl), { isRepeatable: true });
  }

  async ping(): Promise<void> {
    await this.#all([ping()], { isRepeatable: true });
  }

  /** Scans the database, and adds up what `work` returns for the names that match. */
  async #scan(pattern: string, work: (names: string[]) => Promise<number>): Promise<number> {
    let count = 0;
    let cursor = '0';
    let names: string[] = [];
    do {
      // What one step found is removed while the next looks further, which SCAN allows.
      const [[page], counted] = await Promise.all([
        this.#all([scan(cursor, pattern)], { isRepeatable: true }),
        work(names),
      ]);
      count += counted;
      names = page?.keys ?? [];
      cursor = page?.cursor ?? '0';
    } while (cursor !== '0');
    return count + (await work(names));
  }

  async #unlink(names: readonly string[]): Promise<number> {
    return sumOf(await this.#all(keyChunks(names).map(unlink), { isRepeatable: false }));
  }

  /** The results of commands, all of which must succeed. */
  async #all<T>(commands: Command<T>[], options: RunOptions): Promise<T[]> {
    return (await this.#rest.run(commands, options)).map((outcome) => {
      if (outcome.failure !== undefined) throw new BackendError(`Upstash: ${outcome.failure}`);
      return outcome.value;
    });
  }
}

function failuresOf(outcomes: readonly Outcome<unknown>[]): string[] {
  return outcomes.flatMap(({ failure }) => failure ?? []);
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
