/** What one kept vector may keep alive, in bytes. */
export const BLOCK_BYTES = 64 * 1024;

/** How many blocks there are, 4 MiB: calls that wait for a model hold theirs meanwhile. */
const MAX_BLOCKS = 64;

/** What takes less has memory of its own, in bytes: that is a matter of the young generation. */
const LEAST = BLOCK_BYTES / 4;

const free: ArrayBufferLike[] = [];
let lent = 0;

/**
 * Memory for the vectors of one call that hands none of them out. It is used again: memory of its
 * own for each call costs the garbage collector more than decoding does.
 */
export class LentMemory {
  #blocks: ArrayBufferLike[] = [];

  /** Memory of at least `bytes`, which holds anything. */
  take(bytes: number): ArrayBufferLike {
    if (bytes < LEAST || bytes > BLOCK_BYTES || lent === MAX_BLOCKS) return newMemory(bytes);
    const block = free.pop() ?? newMemory(BLOCK_BYTES);
    lent += 1;
    this.#blocks.push(block);
    return block;
  }

  /**
   * Ends the loan.
   *
   * @param isOver whether nobody reads or writes any of it from here on; if not it is not used again
   */
  end(isOver: boolean): void {
    lent -= this.#blocks.length;
    if (isOver) free.push(...this.#blocks);
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
