import type { BackendEntry, CacheBackend, ReadContext } from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { BackendError } from '../../src/errors.js';

/** A store in memory that works, fails, or answers only once it is told to, and records what it was asked. */
export class MoodyBackend implements CacheBackend {
  readonly store = new MemoryBackend();
  readonly reads: string[][] = [];
  readonly writes: BackendEntry[][] = [];
  mood: 'works' | 'fails' | 'waits' = 'works';
  #waiting: (() => void)[] = [];

  /** How many calls wait for `answer`. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Lets everything that waits go on, as the mood is then. */
  answer(mood: 'works' | 'fails' = 'works'): void {
    this.mood = mood;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  async getMany(keys: readonly string[], _context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    this.reads.push([...keys]);
    // What a slow store read is from when it was asked.
    const values = this.mood === 'waits' ? await this.store.getMany(keys) : undefined;
    await this.#feel();
    return values ?? this.store.getMany(keys);
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    this.writes.push([...entries]);
    await this.#feel();
    return this.store.setMany(entries);
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    await this.#feel();
    return this.store.deleteMany(keys);
  }

  async clear(prefix: string): Promise<number> {
    await this.#feel();
    return this.store.clear(prefix);
  }

  async health() {
    return this.mood === 'works' ? this.store.health() : { ok: false, latencyMs: Number.NaN, detail: this.mood };
  }

  close(): Promise<void> {
    return this.store.close();
  }

  async #feel(): Promise<void> {
    if (this.mood === 'waits') await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.mood === 'fails') throw new BackendError('in a bad mood');
  }
}
