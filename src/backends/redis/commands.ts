import type { RecordSpans } from '../../record-spans.js';
import type { BackendEntry, BackendTouch, ReadContext } from '../backend.js';
import type { Reply } from './link.js';
import type { LockNames } from './locks/lock-names.js';

/** What a read brought: a part of it may have failed. */
export interface RedisRead {
  records: RecordSpans;
  /** What ioredis said of each part that failed. */
  failures: unknown[];
  /** Whether anything was answered at all. */
  isPartial: boolean;
}

/** What a read gets of its caller's context. */
export interface RedisReadContext extends Pick<ReadContext, 'onPart' | 'onProgress'> {
  /** Absent: nobody stops waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** What a write brought. */
export interface RedisWrite {
  /** What went wrong with each entry that was not written. */
  failures: unknown[];
  /** Whether a part of the store is well. */
  isPartial: boolean;
}

/**
 * The commands of one server or of a cluster, which need a connected client. TTLs are whole
 * milliseconds. Rejects with what ioredis throws, which carries keys and values.
 */
export interface RedisCommands {
  readonly lockNames: LockNames;
  /** Whether reads have a connection of their own now. */
  readonly canRead: boolean;
  /** See `CacheBackend.getRuns`. */
  getRuns(runs: Iterable<readonly string[]>, context: RedisReadContext): Promise<RedisRead>;
  /** Ends the locks of its keys first. */
  setMany(entries: readonly BackendEntry[]): Promise<RedisWrite>;
  /** Ends the locks of the keys first. Returns how many keys there were. */
  unlink(keys: readonly string[]): Promise<number>;
  /** PEXPIRE GT. Returns each key's reply. */
  extendTtls(touches: readonly BackendTouch[]): Promise<Reply[]>;
  /**
   * Runs a script that answers with a number for each item. Rejects with the first error, after all
   * has been answered; where only a part of the store is away, answers 0 for what lies there, and
   * reports it.
   * @param words arguments before those of the items
   * @param onPartialFailure gets the first error where a part of the store is well. Absent: that
   *   rejects too
   */
  script(
    text: string,
    items: readonly ScriptItem[],
    words: readonly (string | number)[],
    onPartialFailure?: (error: unknown) => void,
  ): Promise<number[]>;
  clear(prefix: string): Promise<number>;
  ping(): Promise<void>;
  /** Called when the backend is closed, after its last call. */
  end(): void;
}

export type Word = string | Buffer | number;

/** What a script is to do for one answer. */
export interface ScriptItem {
  /** In one slot of a cluster. */
  keys: readonly string[];
  words?: readonly Word[];
}

/** An item of a script for each key. */
export function itemsOf(keys: readonly string[]): ScriptItem[] {
  return keys.map((key) => ({ keys: [key] }));
}

/** ioredis turns what is no Buffer into text; this one is a view, not a copy. */
export function viewOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** What replies hold. Throws the first error. */
export function resultsOf<T>(replies: readonly Reply[]): T[] {
  return replies.map(([error, result]) => {
    if (error) throw error;
    return result as T;
  });
}

/** The sum of integer replies. Throws the first error. */
export function sumOf(replies: readonly Reply[]): number {
  return numbersOf(resultsOf(replies)).reduce((sum, count) => sum + count, 0);
}

/** Integer replies, which are text to a client with `stringNumbers`. */
export function numbersOf(results: readonly unknown[]): number[] {
  return results.map(Number);
}
