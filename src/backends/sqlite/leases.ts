import type { BackendLeases } from '../backend.js';
import type { SqliteFile } from './file.js';

/**
 * Leases of all processes that share a file, in a table of their own. Ends are measured by the wall clock. Each step is a
 * transaction, and they wait for no record that is being written or removed: a step fits between any two others.
 */
export class SqliteLeases implements BackendLeases {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  async acquire(names: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    const answers: boolean[] = [];
    while (answers.length < names.length) {
      const step = await this.#file.store((goesOn) => {
        const now = Date.now();
        const taken: boolean[] = [];
        do {
          const name = names[answers.length + taken.length] as string;
          taken.push(this.#file.statements.takeLease(name, holder, now + ttlMs, now) !== undefined);
        } while (answers.length + taken.length < names.length && goesOn());
        return taken;
      });
      answers.push(...step);
    }
    return answers;
  }

  async release(names: readonly string[], holder: string): Promise<void> {
    const left = [...names];
    while (left.length > 0) {
      await this.#file.remove((goesOn) => {
        do this.#file.statements.giveLeaseBack(left.pop() as string, holder);
        while (left.length > 0 && goesOn());
      });
    }
  }
}
