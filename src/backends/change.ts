import { chunksWithin } from '../async/chunks.js';

/** What was written or removed: keys, or everything under a prefix. */
export type Change = { readonly keys: readonly string[] } | { readonly prefix: string };

/** Whether a key is concerned. */
export type KeyPredicate = (key: string) => boolean;

/** Tells of a key whether a change affects it. */
export function affects(change: Change): KeyPredicate {
  if ('prefix' in change) return (key) => key.startsWith(change.prefix);
  const keys = new Set(change.keys);
  return (key) => keys.has(key);
}

/**
 * Cuts a change into parts whose keys have at most `maxChars` characters together. A longer key is
 * a part of its own.
 */
export function splitChange(change: Change, maxChars: number): Change[] {
  if ('prefix' in change) return [change];
  const sizeOf = ({ length }: string) => ({ count: 1, bytes: length });
  return chunksWithin(change.keys, { bytes: maxChars }, sizeOf).map((keys) => ({ keys }));
}

/** A change as JSON holds it: the keys of a batch begin alike, and what they share is said once. */
export type PackedChange = { prefix: string } | { shared: string; rest: string[] };

export function packChange(change: Change): PackedChange {
  if ('prefix' in change) return { prefix: change.prefix };
  const [first = ''] = change.keys;
  let length = first.length;
  for (const key of change.keys) {
    while (!key.startsWith(first.slice(0, length))) length -= 1;
  }
  return { shared: first.slice(0, length), rest: change.keys.map((key) => key.slice(length)) };
}

/** Undefined for what is no change: others may write to the same channel. */
export function unpackChange(value: unknown): Change | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { prefix, shared, rest } = value as Record<string, unknown>;
  if (typeof prefix === 'string') return { prefix };
  if (typeof shared !== 'string' || !Array.isArray(rest)) return undefined;
  return { keys: rest.map((tail) => shared + String(tail)) };
}
