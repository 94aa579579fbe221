import type { Touches } from './change.js';

/**
 * Which keys were written while a read was under way. Such a read may hold what the write replaced, so its answer must not be
 * copied to a nearer tier, or stored again: it would outlive the write.
 */
export class Overlaps {
  readonly #writes = new Set<Touches>();
  readonly #reads = new Set<Touches[]>();

  /** Runs a write of the keys that `touches` names. */
  async write<T>(touches: Touches, write: () => Promise<T>): Promise<T> {
    const end = this.begin(touches);
    try {
      return await write();
    } finally {
      end();
    }
  }

  /** Begins a write, and returns what ends it. */
  begin(touches: Touches): () => void {
    this.#writes.add(touches);
    this.note(touches);
    return () => this.#writes.delete(touches);
  }

  /** Notes a write that is over already. */
  note(touches: Touches): void {
    for (const overlapping of this.#reads) overlapping.push(touches);
  }

  /** Runs a read, and hands it what tells whether a key was written since its beginning. */
  async read<T>(read: (wasWritten: Touches) => Promise<T>): Promise<T> {
    const overlapping = [...this.#writes];
    this.#reads.add(overlapping);
    try {
      return await read((key) => overlapping.some((touches) => touches(key)));
    } finally {
      this.#reads.delete(overlapping);
    }
  }
}
