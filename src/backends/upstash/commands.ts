import { type ChunkSize, chunksWithin } from '../../async/chunks.js';
import type { BackendEntry, BackendTouch } from '../backend.js';
import { STORE } from '../redis-scripts.js';
import { lockName } from './lock-names.js';

/** A command, and what its result must look like. */
export interface Command<T> {
  readonly size: ChunkSize;
  /**
   * The records that it writes or removes, where it ends their locks: they are ended in the same
   * request, before it.
   */
  readonly unlocks?: readonly string[];
  /** Made when it is sent: the words of a large batch need not be there all at once. */
  words(): (string | number)[];
  /** What the result says; undefined where it is nothing that this command can have. */
  read(result: unknown): T | undefined;
}

/** One step of a SCAN. */
export interface Page {
  cursor: string;
  keys: string[];
}

/**
 * Few enough that an MGET of large records stays within what Upstash answers to one command: it
 * counts as a request's size.
 */
const KEYS_PER_COMMAND: ChunkSize = { count: 128, bytes: 500_000 };

/** What one script stores, so that requests can be filled well: half of one. */
const RECORDS_PER_SCRIPT: ChunkSize = { count: 128, bytes: 450_000 };

/** What one SCAN step looks at. */
const SCAN_COUNT = 1000;

/** A command's name, brackets, quotes and options in JSON, at most. */
const OVERHEAD = 60;

/** Cuts keys into what MGET, UNLINK or a script take at once. */
export function keyChunks(keys: readonly string[]): string[][] {
  return chunksWithin(keys, KEYS_PER_COMMAND, (key) => ({ count: 1, bytes: jsonBytes(key) }));
}

export function mget(keys: readonly string[]): Command<unknown[]> {
  return {
    size: sizeOf(keys),
    words: () => ['MGET', ...keys],
    read: (result) => (Array.isArray(result) && result.length === keys.length ? result : undefined),
  };
}

/** Stores a record. */
export function set({ key, value, ttlMs }: BackendEntry): Command<true> {
  return {
    size: { count: 1, bytes: OVERHEAD + jsonBytes(key) + jsonBytes(lockName(key)) + textLength(value) },
    unlocks: [key],
    words: () => {
      const text = textOf(value);
      return ttlMs === undefined ? ['SET', key, text] : ['SET', key, text, 'PX', ttlMs];
    },
    read: (result) => (result === 'OK' ? true : undefined),
  };
}

/** Removes whatever has these names. */
export function unlink(names: readonly string[]): Command<number> {
  return {
    size: sizeOf(names),
    words: () => ['UNLINK', ...names],
    read: integer,
  };
}

/** Removes records. */
export function remove(keys: readonly string[]): Command<number> {
  const { bytes } = sizeOf(keys.map(lockName));
  const command = unlink(keys);
  return { ...command, size: { ...command.size, bytes: command.size.bytes + bytes }, unlocks: keys };
}

/** Extends the TTL of a record. */
export function extendTtl({ key, ttlMs }: BackendTouch): Command<number> {
  return {
    size: sizeOf([key]),
    words: () => ['PEXPIRE', key, ttlMs, 'GT'],
    read: integer,
  };
}

/** A script that answers for each of its keys with a number. */
export function script(text: string, keys: readonly string[], words: readonly (string | number)[]): Command<number[]> {
  return {
    size: { count: keys.length, bytes: sizeOf([text, ...keys, ...words.map(String)]).bytes },
    words: () => ['EVAL', text, keys.length, ...keys, ...words],
    read: (result) => numbers(result, keys.length),
  };
}

/** Stores those of the records whose locks `holder` has, and tells for each whether it did. */
export function storeUnderLocks(entries: readonly BackendEntry[], holder: string): Command<number[]>[] {
  const items = entries.map(({ key, value, ttlMs }) => ({
    names: [lockName(key), key],
    value,
    ttl: ttlMs ?? '',
    size: { count: 1, bytes: OVERHEAD + jsonBytes(key) + jsonBytes(lockName(key)) + textLength(value) },
  }));
  return chunksWithin(items, RECORDS_PER_SCRIPT, ({ size }) => size).map((part) => ({
    size: {
      count: part.length,
      bytes: part.reduce((bytes, { size }) => bytes + size.bytes, sizeOf([STORE, holder]).bytes),
    },
    words: () => [
      'EVAL',
      STORE,
      2 * part.length,
      ...part.flatMap(({ names }) => names),
      holder,
      ...part.flatMap(({ value, ttl }) => [textOf(value), ttl]),
    ],
    read: (result) => numbers(result, part.length),
  }));
}

export function scan(cursor: string, pattern: string): Command<Page> {
  return {
    size: { count: 1, bytes: OVERHEAD + jsonBytes(pattern) },
    words: () => ['SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT],
    read: (result) => {
      if (!Array.isArray(result)) return undefined;
      const [next, keys] = result;
      const isPage = /^\d+$/.test(String(next)) && Array.isArray(keys) && keys.every((key) => typeof key === 'string');
      return isPage ? { cursor: String(next), keys } : undefined;
    },
  };
}

export function ping(): Command<string> {
  return {
    size: { count: 0, bytes: OVERHEAD },
    words: () => ['PING'],
    // PONG, which a client that expects base64 may have decoded.
    read: (result) => (typeof result === 'string' ? result : undefined),
  };
}

/** The bytes of a value that `set` stored; undefined for text that is no base64. */
export function decodeValue(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64');
  // What is no base64 is skipped by Node, and missing then; a length that is no multiple of 4 makes
  // no whole number here.
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return bytes.length === (text.length / 4) * 3 - padding ? bytes : undefined;
}

function sizeOf(keys: readonly string[]): ChunkSize {
  return { count: keys.length, bytes: keys.reduce((bytes, key) => bytes + jsonBytes(key), OVERHEAD) };
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

function textLength(value: Uint8Array): number {
  return Math.ceil(value.byteLength / 3) * 4;
}

function numbers(result: unknown, count: number): number[] | undefined {
  const isWhole = Array.isArray(result) && result.length === count;
  return isWhole && result.every(Number.isSafeInteger) ? result : undefined;
}

function integer(result: unknown): number | undefined {
  return Number.isSafeInteger(result) ? (result as number) : undefined;
}

/** The bytes of a text in JSON, with the comma behind it. */
function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) + 1;
}
