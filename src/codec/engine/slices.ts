import { EngineError } from '../../errors.js';
import { joinKeys } from './crossing.js';
import type { Input } from './instance.js';

/** What crosses to an instance at a time, in bytes: a memory that has grown stays as large. */
const MAX_BYTES = 512 * 1024;

/** And in items. */
const MAX_ITEMS = 4096;

const WORD = 4;

/** Ranges of `count` items, each of so few that they have at most `MAX_BYTES`, or of one. */
export function slices(count: number, bytesOf: (item: number) => number): [start: number, end: number][] {
  const ranges: [number, number][] = [];
  let start = 0;
  let bytes = 0;
  for (let item = 0; item < count; item++) {
    bytes += bytesOf(item);
    if (item > start && (bytes > MAX_BYTES || item - start === MAX_ITEMS)) {
      ranges.push([start, item]);
      start = item;
      bytes = bytesOf(item);
    }
  }
  if (count > start) ranges.push([start, count]);
  return ranges;
}

/**
 * Runs `work` for a range, and for each of its items alone where that fails: one that fails then is
 * told of.
 */
export function eachAlone(
  start: number,
  end: number,
  work: (start: number, end: number) => void,
  onFailed: (item: number) => void,
): void {
  try {
    work(start, end);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (end - start === 1) onFailed(start);
    else for (let item = start; item < end; item++) eachAlone(item, item + 1, work, onFailed);
  }
}

/**
 * Some words, the lengths of keys and of parts, more words of each item, and then all keys and all
 * parts end to end.
 */
export function batchOf(
  keys: readonly string[],
  parts: readonly (Uint8Array | undefined)[],
  first: ArrayLike<number> = [],
  ...words: readonly (readonly number[])[]
): Input {
  const count = keys.length;
  const [keyBytes, keyLengths] = joinKeys(keys);
  const wordCount = first.length + count * (2 + words.length);
  const keysAt = WORD * wordCount;
  const partsAt = keysAt + keyBytes.length;
  return {
    length: parts.reduce((sum, part) => sum + (part?.length ?? 0), partsAt),
    write(memory, at) {
      const numbers = new Uint32Array(memory, at, wordCount);
      const bytes = new Uint8Array(memory, at);
      const lengthsAt = first.length + count;
      numbers.fill(0, lengthsAt, lengthsAt + count);
      numbers.set(first);
      numbers.set(keyLengths, first.length);
      words.forEach((own, i) => {
        numbers.set(own, lengthsAt + count * (1 + i));
      });
      bytes.set(keyBytes, keysAt);
      let next = partsAt;
      parts.forEach((part, i) => {
        if (part === undefined) return;
        numbers[lengthsAt + i] = part.length;
        bytes.set(part, next);
        next += part.length;
      });
    },
  };
}
