import { Buffer } from 'node:buffer';
import type { RecordMemory } from '../../../record-spans.js';

/** Blocks that wait to be used again: what a lookup of 1000 records needs at a time. */
const MAX_SPARE = 4;

/**
 * Memory to read into. With new memory for each read the garbage collector looks through the whole
 * heap every few lookups, on all cores.
 */
export class Blocks {
  readonly #bytes: number;
  readonly #spare: Buffer[] = [];

  /** @param bytes of a block */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** A block of at least `bytes`, held by whoever takes it. It holds anything. */
  take(bytes: number): Block {
    if (bytes > this.#bytes) return new Block(Buffer.allocUnsafeSlow(bytes));
    return new Block(this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#bytes), this.#spare);
  }
}

/** Memory that is used again when nobody holds it any more. */
export class Block {
  readonly bytes: Buffer;
  readonly #spare: Buffer[] | undefined;
  #holders = 1;

  constructor(bytes: Buffer, spare?: Buffer[]) {
    this.bytes = bytes;
    this.#spare = spare;
  }

  hold(): void {
    this.#holders += 1;
  }

  /** Somebody holds it for good. */
  keep(): void {
    this.#holders = Number.POSITIVE_INFINITY;
  }

  release(): void {
    this.#holders -= 1;
    const spare = this.#spare;
    if (this.#holders === 0 && spare && spare.length < MAX_SPARE) spare.push(this.bytes);
  }
}

/** The blocks that the records of one reply lie in. Without `release` the garbage collector has them. */
export class ReplyMemory implements RecordMemory {
  #blocks: Block[] = [];

  add(block: Block): void {
    if (this.#blocks.at(-1) === block) return;
    block.hold();
    this.#blocks.push(block);
  }

  keep(): void {
    for (const block of this.#blocks) block.keep();
  }

  release(): void {
    const blocks = this.#blocks;
    this.#blocks = [];
    for (const block of blocks) block.release();
  }
}
