/** What one kept vector may keep alive, in bytes. */
export const BLOCK_BYTES = 64 * 1024;

/** How many blocks are kept for the next call: 4 MiB. */
const MAX_FREE = 64;

const free: ArrayBufferLike[] = [];

/**
 * Memory for the vectors of one call that hands none of them out. It is used again: memory of its
 * own for each call costs the garbage collector more than decoding does.
 */
export class LentMemory {
  #blocks: ArrayBufferLike[] = [];

  /** Memory of at least `bytes`, which holds anything. */
  take(bytes: number): ArrayBufferLike {
    if (bytes > BLOCK_BYTES) return newMemory(bytes);
    const block = free.pop() ?? newMemory(BLOCK_BYTES);
    this.#blocks.push(block);
    return block;
  }

  /** Nobody reads or writes any of it from here on. Where nobody says so it is just not kept. */
  release(): void {
    for (const block of this.#blocks) if (free.length < MAX_FREE) free.push(block);
    this.#blocks = [];
  }
}

/**
 * Memory that holds anything. Slow is the fast one here: its memory is its own, neither zeroed nor
 * cut from Node's shared pool. A browser has no Buffer.
 */
export function newMemory(bytes: number): ArrayBufferLike {
  return typeof Buffer === 'undefined' ? new ArrayBuffer(bytes) : Buffer.allocUnsafeSlow(bytes).buffer;
}
