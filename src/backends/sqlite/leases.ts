import type { BackendLeases } from '../backend.js';
import type { SqliteFile } from './file/file.js';

/**
 * Leases of all processes that share a file, in a table of their own. Ends are measured by the wall
 * clock. Each step is a transaction, and they wait for no record that is being written or removed:
 * a step fits between any two others.
 */
export class SqliteLeases implements BackendLeases {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  acquire(names: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    return this.#file.storeEach(
      names,
      (name, now) => this.#file.statements.takeLease(name, holder, now + ttlMs, now) !== undefined,
    );
  }

  async release(names: readonly string[], holder: string): Promise<void> {
    await this.#file.removeEach(names, (name) => this.#file.statements.giveLeaseBack(name, holder));
  }
}
