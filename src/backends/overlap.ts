/** Whether a write touches a key. */
type Touches = (key: string) => boolean;

/**
 * Which keys were written while a read was under way. Such a read may hold what the write replaced, so its answer must not be
 * copied to a nearer tier: the copy would outlive the write.
 */
export class Overlaps {
  readonly #writes = new Set<Touches>();
  readonly #reads = new Set<Touches[]>();

  /** Runs a write of the keys that `touches` names. */
  async write<T>(touches: Touches, write: () => Promise<T>): Promise<T> {
    this.#writes.add(touches);
    for (const overlapping of this.#reads) overlapping.push(touches);
    try {
      return await write();
    } finally {
      this.#writes.delete(touches);
    }
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
