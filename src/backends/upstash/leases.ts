import type { BackendLeases } from '../backend.js';
import { ACQUIRE, RELEASE } from '../redis-scripts.js';
import { type Command, keyChunks, script } from './commands.js';

/**
 * Leases as keys that hold their holder: one script for 128 names, which Upstash counts as one
 * command.
 */
export class UpstashLeases implements BackendLeases {
  readonly #run: (commands: Command<number[]>[]) => Promise<number[][]>;

  /** @param run sends commands, which may be repeated, and rejects where one fails */
  constructor(run: (commands: Command<number[]>[]) => Promise<number[][]>) {
    this.#run = run;
  }

  async acquire(names: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    const answers = await this.#run(keyChunks(names).map((chunk) => script(ACQUIRE, chunk, [holder, ttlMs])));
    return answers.flat().map((answer) => answer === 1);
  }

  async release(names: readonly string[], holder: string): Promise<void> {
    await this.#run(keyChunks(names).map((chunk) => script(RELEASE, chunk, [holder])));
  }
}
