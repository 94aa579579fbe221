import type { Buffer } from 'node:buffer';
import { type RecordSpans, RecordSpansBuilder } from '../../../record-spans.js';
import { Blocks, ReplyMemory } from './blocks.js';

/** What is read into at a time, in bytes. Records lie in it. */
const BLOCK = 1024 * 1024;

/** The least room that is worth reading into, in bytes. */
const MIN_ROOM = 64 * 1024;

/** What a system call may read at once, in bytes. */
const MAX_ROOM = 256 * 1024;

/** The elements that room is made for before any came: a length that is claimed is not believed. */
const MAX_RESERVED = 1024;

/**
 * Longer strings are no records: their bytes are passed over and none is kept. Such a key is a
 * miss.
 */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

const CR = 0x0d;
const DOLLAR = 0x24;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ZERO = 0x30;

/**
 * A reply: an array of byte strings (none for null), or the text of a simple string or of a byte
 * string by itself, or an error.
 */
export type Reply = RecordSpans | string | Error;

/** The longest byte string by itself that is taken: nothing that is asked for has a longer one. */
const MAX_TEXT_BYTES = 1024;

/**
 * A server that speaks something else than RESP2
 * (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 */
export class ProtocolError extends Error {}

/**
 * Reads replies of MGET, PING, AUTH and SELECT out of a stream: the socket writes into blocks that
 * this lends, and byte strings lie in them. What does not end in a block is moved to the next one,
 * so that every string lies in one piece.
 */
export class ReplyReader {
  readonly #onReply: (reply: Reply) => void;
  readonly #blocks = new Blocks(BLOCK);
  #block = this.#blocks.take(BLOCK);
  /** What is read and not yet understood: from here to `#end`. */
  #start = 0;
  #end = 0;
  /** The array that is being read, and how many elements of it are to come. */
  #memory = new ReplyMemory();
  #array = new RecordSpansBuilder(0, this.#memory);
  #missing = 0;
  /** Bytes still to be passed over. */
  #skipped = 0;
  /** Where in the block the string begins that is passed over. */
  #skipStart = 0;

  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  get #bytes(): Buffer {
    return this.#block.bytes;
  }

  /** Where the socket is to write next. */
  room(): Uint8Array {
    if (this.#bytes.length - this.#end < MIN_ROOM) this.#renew();
    return this.#bytes.subarray(this.#end, this.#end + MAX_ROOM);
  }

  /** Takes note that so many bytes were written to `room()`. Throws `ProtocolError`. */
  wrote(count: number): void {
    this.#end += count;
    if (this.#skipped > 0) this.#skip();
    while (this.#start < this.#end && this.#readOne());
  }

  /**
   * Moves what is not understood yet to a new block: with room for as much again, since a length
   * that is claimed is not believed.
   */
  #renew(): void {
    const rest = this.#bytes.subarray(this.#start, this.#end);
    const before = this.#block;
    this.#block = this.#blocks.take(2 * rest.length + MIN_ROOM);
    this.#bytes.set(rest);
    before.release();
    this.#start = this.#skipStart = 0;
    this.#end = rest.length;
  }

  /** Passes over a string's bytes, those that are there; the room they took is used again. */
  #skip(): void {
    const count = Math.min(this.#skipped, this.#end - this.#start);
    this.#start += count;
    this.#skipped -= count;
    if (this.#skipped === 0) this.#added();
    // Records may lie in the block before it.
    else this.#end = this.#start = this.#skipStart;
  }

  #added(): void {
    this.#missing -= 1;
    if (this.#missing === 0) this.#onReply(this.#array.build());
  }

  /** Whether a whole reply, or element of an array, was there. */
  #readOne(): boolean {
    const line = this.#lineEnd();
    if (line === -1) return false;
    const type = this.#bytes[this.#start];
    if (type === DOLLAR) return this.#readString(line);
    if (this.#missing > 0) throw new ProtocolError('an array of something else than strings');
    if (type === STAR) {
      this.#missing = Math.max(0, this.#number(line));
      this.#memory = new ReplyMemory();
      this.#array = new RecordSpansBuilder(Math.min(this.#missing, MAX_RESERVED), this.#memory);
      this.#start = line + 2;
      if (this.#missing === 0) this.#onReply(this.#array.build());
      return true;
    }
    if (type !== MINUS && type !== PLUS) throw new ProtocolError('an unknown type of reply');
    const text = this.#bytes.toString('latin1', this.#start + 1, line);
    this.#start = line + 2;
    this.#onReply(type === PLUS ? text : Object.assign(new Error(text), { name: 'ReplyError' }));
    return true;
  }

  #readString(line: number): boolean {
    const length = this.#number(line);
    const from = line + 2;
    const next = length < 0 ? from : from + length + 2;
    if (this.#missing === 0) return this.#readText(from, length, next);
    if (length > MAX_RECORD_BYTES) {
      this.#array.addNone();
      this.#start = this.#skipStart = from;
      this.#skipped = length + 2;
      this.#skip();
      return this.#skipped === 0;
    }
    if (next > this.#end) return false;
    if (length < 0) this.#array.addNone();
    else {
      this.#memory.add(this.#block);
      this.#array.add(this.#bytes, from, length);
    }
    this.#start = next;
    this.#added();
    return true;
  }

  #readText(from: number, length: number, next: number): boolean {
    if (length < 0 || length > MAX_TEXT_BYTES) throw new ProtocolError('a string where an array was expected');
    if (next > this.#end) return false;
    this.#start = next;
    this.#onReply(this.#bytes.toString('latin1', from, from + length));
    return true;
  }

  /** Where the line that begins at `#start` ends; -1 where its end is not there yet. */
  #lineEnd(): number {
    const bytes = this.#bytes;
    for (let i = this.#start; i + 1 < this.#end; i++) if (bytes[i] === CR) return i;
    return -1;
  }

  /** The number between the type and the end of the line. */
  #number(line: number): number {
    const bytes = this.#bytes;
    const isNegative = bytes[this.#start + 1] === MINUS;
    let number = 0;
    for (let i = this.#start + (isNegative ? 2 : 1); i < line; i++) {
      const digit = (bytes[i] as number) - ZERO;
      if (digit < 0 || digit > 9) throw new ProtocolError('a length that is no number');
      number = number * 10 + digit;
    }
    return isNegative ? -number : number;
  }
}
